"""Losses: which shapes they really compute on, with Keras's repair and without."""

import keras
import numpy as np
import pytest

from pitfalls.lab.keras import losses

B = 5
COLUMN, FLAT = (B, 1), (B,)


@pytest.mark.parametrize(
    ("label", "prediction", "repaired", "broadcast"),
    [
        (COLUMN, COLUMN, [B, 1], [B, 1]),
        (FLAT, FLAT, [B], [B]),
        (FLAT, COLUMN, [B, 1], [B, B]),
        (COLUMN, FLAT, [B], [B, B]),
        ((1, 3), (B, 3), [B, 3], [B, 3]),
    ],
)
def test_the_difference_has_the_shape_that_the_loss_computes_on(label, prediction, repaired, broadcast):
    """Keras gives both one rank first; a `Loss` subclass is left alone and broadcasts."""
    batch = np.ones(label), np.zeros(prediction)
    measured = losses.difference_shape(losses.repairing(), *batch)
    assert int(np.prod(measured)) == int(np.prod(repaired))
    assert losses.difference_shape(losses.broadcasting(), *batch) == tuple(broadcast)


@pytest.mark.parametrize("make", [losses.repairing, losses.broadcasting])
def test_looking_at_a_loss_leaves_it_as_it_was(make):
    """Its value before and after, and no second look is recorded."""
    loss, label, prediction = make(), np.arange(B, dtype=float), np.zeros((B, 1))
    before = float(loss(label, prediction))
    assert losses.difference_shape(loss, label, prediction) == losses.difference_shape(
        loss, label, prediction
    )
    assert float(loss(label, prediction)) == before


def test_a_loss_that_raises_is_put_back_all_the_same():
    """Shapes that do not fit raise in the loss, and the spy is gone afterwards."""
    loss = losses.broadcasting()
    with pytest.raises(Exception, match=r"shape|broadcast|Incompatible"):
        losses.difference_shape(loss, np.ones((3, 1)), np.ones((2, 2)))
    assert "look" not in loss.call.__qualname__


def test_the_broadcasting_loss_averages_every_label_against_every_prediction():
    """By hand: b*b squared errors."""
    rng = np.random.default_rng(0)
    label_b, prediction_b1 = rng.normal(size=B), rng.normal(size=(B, 1))
    errors = [(p - y) ** 2 for p in prediction_b1[:, 0] for y in label_b]
    assert float(losses.broadcasting()(label_b, prediction_b1)) == pytest.approx(np.mean(errors), rel=1e-5)
    paired = np.mean((prediction_b1[:, 0] - label_b) ** 2)
    assert float(losses.repairing()(label_b, prediction_b1)) == pytest.approx(paired, rel=1e-5)


def test_the_broadcasting_loss_can_be_saved_with_a_model():
    """It is registered, so its configuration finds its class again."""
    told = keras.losses.serialize(losses.broadcasting())
    assert isinstance(keras.losses.deserialize(told), losses.BroadcastingMeanSquare)
