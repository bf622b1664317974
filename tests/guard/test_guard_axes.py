"""Axes: what becomes of an axis, and which broadcasts nobody wrote down; rows that can be checked by hand."""

import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

from pitfalls.guard.shapes.axes import (  # noqa: E402
    ANY,
    BATCH,
    NEW,
    RAW,
    axes_after,
    is_accident,
    raw_axes,
    reshaped_axes,
)


def axes_of(function, *shape):
    """Return the axes of what a function makes of a tensor of a shape, carried through its graph."""
    graph = tf.Graph()
    with graph.as_default():
        given = tf.compat.v1.placeholder(tf.float32, shape)
        function(given)
    known = {given.name: (tuple(shape), raw_axes(shape))}
    for op in graph.get_operations():
        inputs = [known[tensor.name] for tensor in op.inputs if tensor.name in known]
        if inputs:
            (output,) = op.outputs
            known[output.name] = (tuple(output.shape), axes_after(op, inputs, tf.get_static_value))
    return list(known.values())[-1][1]


@pytest.mark.parametrize(
    ("function", "shape", "axes"),
    [
        (lambda y: y[:, None], (8,), (BATCH, NEW)),
        (lambda y: y[..., None, :], (8, 3), (BATCH, NEW, RAW)),
        (lambda y: y[None], (8, 3), (NEW, BATCH, RAW)),
        (lambda y: y[:, 0], (8, 3), (BATCH,)),
        (lambda y: y[..., 0], (8, 4, 3), (BATCH, RAW)),
        (lambda y: tf.expand_dims(y, -1), (8,), (BATCH, NEW)),
        (lambda y: tf.squeeze(y, -1), (8, 1), (BATCH,)),
        (lambda y: tf.squeeze(y), (8, 1, 3, 1), (BATCH, RAW)),
        (lambda y: tf.transpose(y), (8, 3), (RAW, BATCH)),
        (lambda y: tf.reduce_mean(y, -1), (8, 3), (BATCH,)),
        (lambda y: tf.reduce_sum(y, 0, keepdims=True), (8, 3), (NEW, RAW)),
        (lambda y: tf.stack([y, y], axis=1), (8, 3), (BATCH, NEW, RAW)),
        (lambda y: tf.reshape(y, (8, 3)), (8, 3, 1), (BATCH, RAW)),
        (lambda y: tf.matmul(y, y, transpose_b=True), (8, 3), (BATCH, BATCH)),
        (lambda y: y * 2.0, (8, 3), (BATCH, RAW)),
    ],
)
def test_an_operation_keeps_moves_drops_or_makes_axes(function, shape, axes):
    """The batch comes first; what the code makes is new."""
    assert axes_of(function, *shape) == axes


@pytest.mark.parametrize(
    ("shape", "axes", "to", "result"),
    [
        ((8,), (BATCH,), (8, 1), (BATCH, NEW)),
        ((8, 1), (BATCH, RAW), (8,), (BATCH,)),
        ((8, 4), (BATCH, RAW), (32,), (BATCH,)),
        ((8, 4), (BATCH, RAW), (8, 2, 2), (BATCH, ANY, ANY)),
        ((8, 4, 2), (BATCH, RAW, RAW), (8, 8), (BATCH, ANY)),
        ((32,), (BATCH,), (8, 4), (BATCH, ANY)),
        ((8, 4), (BATCH, RAW), (1, 8, 4), (NEW, BATCH, RAW)),
    ],
)
def test_a_reshape_is_followed_by_the_products_of_lengths(shape, axes, to, result):
    """What is merged with the batch or split from it leads with the batch."""
    assert reshaped_axes(shape, axes, to) == result


@pytest.mark.parametrize(
    ("labels", "predictions", "accident"),
    [
        (((8,), (BATCH,)), ((8, 1), (BATCH, RAW)), True),
        (((8, 1), (BATCH, RAW)), ((8,), (BATCH,)), True),
        (((1, 18), (BATCH, RAW)), ((8, 18), (BATCH, RAW)), True),
        (((8, 1), (BATCH, RAW)), ((8, 3), (BATCH, RAW)), True),
        (((8, 1), (BATCH, NEW)), ((8, 3), (BATCH, RAW)), False),
        (((8, 1, 3), (BATCH, NEW, RAW)), ((1, 8, 3), (NEW, BATCH, RAW)), False),
        (((8, 1), (BATCH, RAW)), ((8, 1), (BATCH, RAW)), False),
        (((), ()), ((8, 1), (BATCH, RAW)), False),
        (((-1,), (BATCH,)), ((8, 1), (BATCH, RAW)), False),
    ],
)
def test_an_accident_is_a_broadcast_along_an_axis_that_nobody_made(labels, predictions, accident):
    """Equal shapes, scalars, unknown lengths and axes made on purpose are none."""
    assert is_accident(labels, predictions, True) is accident
