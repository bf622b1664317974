"""Trying: losses that are run on a few values, in NumPy, PyTorch and JAX, without Keras."""

import importlib.util

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.shapes.trying import Form, meeting_in

X = np.random.default_rng(0).random((8, 2)).astype("float32")
FLAT, COLUMN = X.mean(1), X.mean(1)[:, None]


def square(labels, prediction):
    return np.square(labels - prediction).mean()


def each_square(labels, prediction):
    return np.square(labels - prediction)


def squeezing(labels, prediction):
    return np.square(labels - prediction[:, 0]).mean()


def root(labels, prediction):
    return np.sqrt(np.square(labels - prediction).mean())


def of_means(labels, prediction):
    return (labels.mean() - prediction.mean()) ** 2


def without_labels(labels, prediction):
    return np.square(prediction).mean()


def drawing(labels, prediction):
    return np.square(labels - prediction).mean() + np.random.random()


def of_classes(labels, prediction):
    return -np.log(prediction[np.arange(len(labels)), labels]).mean()


def refusing(labels, prediction):
    raise ValueError("these shapes are not for me")


def meeting(loss, labels, prediction, is_integer=False):
    return meeting_in(loss, Form(labels, is_integer), Form(prediction), ("loss",))


@pytest.mark.parametrize("loss", [square, each_square, root])
@pytest.mark.parametrize(
    ("labels", "prediction", "result"),
    [((64,), (64, 1), (64, 64)), ((64, 1), (64,), (64, 64)), ((64, 1), (64, 10), (64, 10))],
)
def test_a_loss_that_broadcasts_is_found(loss, labels, prediction, result):
    """With the shapes as they are, though it is tried on a few rows."""
    found = meeting(loss, labels, prediction)
    assert (found.label, found.prediction, found.result) == (labels, prediction, result)


@pytest.mark.parametrize(
    "loss", [squeezing, of_means, without_labels, drawing, refusing], ids=lambda f: f.__name__
)
def test_a_loss_that_does_not_broadcast_is_left_alone(loss):
    """It squeezes, compares means, has no use for labels, draws at random, or refuses."""
    assert meeting(loss, (64,), (64, 1)) is None


def test_shapes_that_agree_and_classes_are_left_alone():
    """Classes have an axis less than their probabilities, which is meant."""
    assert meeting(square, (64, 1), (64, 1)) is None
    assert meeting(of_classes, (64,), (64, 10), is_integer=True) is None


needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
needs_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed")


@needs_torch
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss"])
def test_losses_of_pytorch_broadcast(name):
    """Some warn, some do not; labels with an axis are right."""
    import torch

    model, loss = torch.nn.Linear(2, 1), getattr(torch.nn.functional, name)
    (finding,) = guard.check_model(model, (X, FLAT), loss)
    assert (finding.rule, finding.array, finding.repaired) == ("broadcast-loss", "labels", False)
    assert finding.message.splitlines() == [
        "this loss would subtract every label from every prediction.",
        f"  loss        {name}",
        "  label       (8,)",
        "  prediction  (8, 1)",
        "  difference  (8, 8): 64 errors averaged where 8 are meant",
        "  repaired    no: nothing aligns the shapes on this path",
    ]
    assert not guard.check_model(model, (X, COLUMN), loss)


@needs_torch
def test_a_module_is_left_as_it_was():
    """Its mode, its statistics and its weights; a loss that refuses the shapes raises by itself in training."""
    import torch

    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert not guard.check_model(model, (X, FLAT), torch.nn.functional.binary_cross_entropy_with_logits)
    assert not guard.check_model(model, (X, np.zeros(8, int)), torch.nn.CrossEntropyLoss())
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@needs_jax
def test_a_function_of_jax_is_a_model_too():
    """With the shape that its author declares."""
    import jax.numpy as jnp

    def mean_square(prediction, labels):
        return jnp.mean(jnp.square(prediction - labels))

    def mean(inputs):
        return jnp.mean(inputs, axis=-1)

    found = guard.check_model(mean, (X, COLUMN), mean_square, declared=(None, 1))
    assert [finding.rule for finding in found] == ["broadcast-loss", "declared-shape"]
    assert not guard.check_model(mean, (X, FLAT), mean_square, declared=(None,))


@pytest.mark.parametrize(
    ("batch", "options", "said"),
    [
        ((X, FLAT), {}, "There is no loss to check"),
        ((X,), {"loss": square}, "A batch is (inputs, labels)"),
        ((X[:, :1], FLAT), {"loss": square}, "The model does not take this batch: IndexError"),
    ],
)
def test_what_cannot_be_checked_is_said(batch, options, said):
    """In words that say what to give."""
    with pytest.raises(guard.GuardError) as refused:
        guard.check_model(lambda inputs: inputs[:, 1][:, None], batch, **options)
    assert str(refused.value).startswith(said)
