"""Kinds: what a finding calls the thing it is about, and which fix that thing needs."""

import itertools
import random

import numpy as np
import pytest

from pitfalls import guard


def shuffled_data():
    data = np.arange(64.0).reshape(32, 2)
    while True:
        np.random.shuffle(data)
        for start in range(0, 32, 8):
            yield data[start : start + 8], np.ones(8)


def shuffled_rows():
    rows = [[float(i)] * 2 for i in range(8)]
    while True:
        random.shuffle(rows)
        yield rows, [1.0] * 8


def refilled_list():
    targets = []
    for i in itertools.count():
        targets.clear()
        targets.extend([float(i)] * 4)
        yield np.full((4, 2), i), targets


def refilled_dictionary():
    named = {}
    for i in itertools.count():
        named["image"] = np.full((4, 2), i)
        yield named, np.ones(4)


def refilled_array():
    x = np.zeros((4, 2))
    for i in itertools.count():
        x[:] = i
        yield x, np.ones(4)


@pytest.mark.parametrize(
    ("generator", "fix", "called"),
    [
        (shuffled_data, "Shuffle an index rather than the data: ", None),
        (shuffled_rows, "Shuffle an index rather than the data: ", "rows"),
        (refilled_list, "Make a new list for each batch, or yield a copy of it: list(x).", "targets"),
        (refilled_dictionary, "Make a new dict for each batch, or yield a copy of it: dict(batch).", "named"),
        (refilled_array, "Allocate the array inside the loop, or yield a copy of it: np.copy(x).", None),
    ],
)
def test_the_fix_is_for_the_kind_of_thing_that_changed(generator, fix, called):
    """An index, a list, a dictionary, an array; a list has the name of the code beside its path in the batch."""
    (finding,) = guard.check(generator())
    assert finding.fix.startswith(fix)
    assert finding.line is not None
    lines = [line.split() for line in finding.message.splitlines() if line.startswith("  called")]
    assert lines == ([["called", called]] if called else [])


def test_both_lists_of_a_pair_have_their_names():
    """Inputs and labels, and what the code calls them, though neither is an array."""
    rows, targets = [], []

    def lists():
        for i in itertools.count():
            rows[:] = [[float(i)] * 2] * 4
            targets[:] = [float(i)] * 4
            yield rows, targets

    found = guard.check(lists())
    assert [finding.array for finding in found] == ["inputs", "labels"]
    assert ["  called      rows" in found[0].message, "  called      targets" in found[1].message] == [
        True,
        True,
    ]


def model(keras, *layers, kind=None, **options):
    inputs = keras.Input((2,))
    outputs = keras.layers.Dense(1)(inputs)
    for layer in layers:
        outputs = layer(outputs)
    made = (kind or keras.Model)(inputs, outputs)
    made.compile("sgd", **options)
    return made


def batch(*shapes):
    return tuple(np.random.default_rng(0).random(shape).astype("float32") for shape in shapes)


def test_weights_are_not_called_labels():
    """They meet the errors of an overridden compute_loss; the fix is for them."""
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

    class Weighted(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(keras.ops.square(y - y_pred) * sample_weight)

    (finding,) = guard.check_model(model(keras, kind=Weighted), batch((8, 2), (8, 1), (8,)))
    assert finding.array == "sample_weight"
    assert "  sample weight (8,)" in finding.message
    assert "label" not in finding.text
    assert finding.fix == (
        "Give the sample weights a last axis, for example w[:, None], before they reach the loss."
    )


def test_targets_that_a_second_network_computes_are_not_called_labels():
    """Two predictions meet: one has lost its axis on the way."""
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    online, slow = model(keras, loss="mse"), model(keras, loss="mse")

    def step(x, y):
        goal = y + 0.9 * keras.ops.max(slow(x), axis=-1)
        return keras.ops.mean(keras.ops.square(online(x) - goal))

    (finding,) = guard.check_model(online, batch((8, 2), (8,)), step=step)
    assert "label" not in finding.text
    assert "targets that the model computes itself" in finding.text


def test_what_no_trace_can_follow_is_among_what_was_not_checked():
    """A py_function, a map_fn, a loss that a layer adds; a plain loss and a regularizer are followed."""
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

    class InPython(keras.losses.Loss):
        def call(self, y, p):
            loss = tf.py_function(lambda a, b: tf.reduce_mean((a - b) ** 2), [y, p], tf.float32)
            loss.set_shape(())
            return loss

    class Mapped(keras.losses.Loss):
        def call(self, y, p):
            errors = tf.map_fn(lambda pair: (pair[0] - pair[1]) ** 2, (y, p), fn_output_signature=tf.float32)
            return tf.reduce_mean(errors)

    class Adds(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(x))
            return x

    def notes(made):
        return [
            note.split(", at")[0].rstrip(".")
            for note in guard.check_model(made, batch((8, 2), (8, 1))).not_checked
        ]

    assert notes(model(keras, loss=InPython())) == ["What is inside a py_function or numpy_function"]
    assert notes(model(keras, loss=Mapped())) == ["What is inside a map_fn, a while_loop or a scan"]
    assert notes(model(keras, Adds(), loss="mse")) == ["A loss that a layer computes and adds (add_loss)"]
    assert notes(model(keras, keras.layers.Dense(1, kernel_regularizer="l2"), loss="mse")) == []
