"""Axes: what each axis of a traced tensor is, carried through the operations of a graph.

An axis is the batch, a raw axis as the tensor came with it, or one that the code made
on purpose (``expand_dims``, ``y[:, None]``, ``keepdims=True``). Whether a broadcast is
an accident depends on that: ``mask[..., None] * errors`` is meant, ``(64,) - (64, 1)``
is not, though both broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

BATCH, RAW, NEW, ANY = "batch", "raw", "new", "any"
Axes = tuple[str, ...]
Shape = tuple[int, ...]
Form = tuple[Shape, Axes]
Constant = Callable[[tf.Tensor], Any]
REDUCTIONS = ("Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "EuclideanNorm")
PRODUCTS = ("MatMul", "BatchMatMulV2", "BatchMatMulV3")


def raw_axes(shape: Sequence[Any]) -> Axes:
    """Return the axes of a tensor as it came: the batch first."""
    return tuple([BATCH, *[RAW] * (len(shape) - 1)][: len(shape)])


def axes_after(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    """Return the axes of an operation's first output.

    Args:
        op: A TensorFlow operation.
        inputs: Shape and axes of its tainted inputs, in order.
        constant: Returns the value of a tensor that is known before running, or None.
    """
    rule = RULES_BY_OPERATION.get(op.type)
    if rule is None or (op.type in PRODUCTS and len(inputs) != 2):
        return _elementwise(inputs, shape_of(op.outputs[0]))
    return rule(op, inputs, constant)


def _expanded(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    return _with_new_axis(op, inputs, int(constant(op.inputs[1])))


def _packed(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    return _with_new_axis(op, inputs, op.get_attr("axis"))


def _with_new_axis(op: tf.Operation, inputs: list[Form], at: int) -> Axes:
    """Return the axes of the first input with one more, which is there on purpose."""
    _, axes = inputs[0]
    at %= len(op.outputs[0].shape)
    return (*axes[:at], NEW, *axes[at:])


def _squeezed(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    shape, axes = inputs[0]
    dims = [dim % len(shape) for dim in op.get_attr("squeeze_dims")]
    gone = dims or [i for i, size in enumerate(shape) if size == 1]
    return tuple(axis for i, axis in enumerate(axes) if i not in gone)


def _reduced(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    """Return what a reduction leaves; an axis kept at length one is there on purpose."""
    (_, axes), keep = inputs[0], op.get_attr("keep_dims")
    gone = {int(i) % len(axes) for i in np.atleast_1d(constant(op.inputs[1]))} if axes else set()
    return tuple(NEW if i in gone else axis for i, axis in enumerate(axes) if keep or i not in gone)


def _transposed(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    return tuple(inputs[0][1][i] for i in constant(op.inputs[1]))


def _reshaped(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    (shape, axes), out = inputs[0], shape_of(op.outputs[0])
    return axes if shape == out else reshaped_axes(shape, axes, out)


def reshaped_axes(shape: Shape, axes: Axes, out: Shape) -> Axes:
    """Match the old axes to the new ones by the products of their lengths."""
    result: list[str] = []
    old = [(size, axis) for size, axis in zip(shape, axes, strict=True) if size != 1]
    while len(result) < len(out):
        if out[len(result)] == 1 or not old:
            result.append(NEW)
        else:
            kinds, made = _next_group(old, out[len(result) :])
            first = BATCH if BATCH in kinds else kinds[0] if made == len(kinds) == 1 else ANY
            result += [first, *[ANY] * (made - 1)]
    return tuple(result[: len(out)])


def _next_group(old: list[tuple[int, str]], out: Shape) -> tuple[list[str], int]:
    """Take the old axes that together are as long as the next new ones, and return how many those are."""
    total, axis = old.pop(0)
    kinds, made = [axis], 1
    while total != prod(out[:made]):
        if old and total < prod(out[:made]):
            size, axis = old.pop(0)
            total, kinds = total * size, [*kinds, axis]
        elif made < len(out):
            made += 1
        else:
            break
    return kinds, made


def _sliced(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    """Return the axes of ``y[:, None]``, ``y[..., 0]`` and their like."""
    left, spec = list(inputs[0][1]), constant(op.inputs[1])
    count = len(spec) if spec is not None else len(left)
    ellipsis, new, shrink = (op.get_attr(f"{word}_mask") for word in ("ellipsis", "new_axis", "shrink_axis"))
    used = sum(1 for i in range(count) if not (new | ellipsis) >> i & 1)
    hidden, result = max(len(left) - used, 0), []
    for i in range(count):
        if not (new | ellipsis) >> i & 1:
            result += [axis for axis in left[:1] if not shrink >> i & 1]
            left = left[1:]
        elif ellipsis >> i & 1:
            result, left = result + left[:hidden], left[hidden:]
        else:
            result.append(NEW)
    return (*result, *left)


def _multiplied(op: tf.Operation, inputs: list[Form], constant: Constant) -> Axes:
    """Return rows of the first and columns of the second matrix."""
    (_, a), (_, b) = inputs
    names = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    row = a[-1] if op.get_attr(names[0]) else a[-2]
    column = b[-2] if op.get_attr(names[1]) else b[-1]
    return (*a[:-2], row, column)


def _elementwise(inputs: list[Form], out: Shape) -> Axes:
    """Return the axes of a broadcast of all the inputs; what does not fit is of unknown kind."""
    result = [ANY] * len(out)
    for shape, axes in inputs:
        offset = len(out) - len(shape)
        fits = offset >= 0 and all(size in (1, out[offset + i]) for i, size in enumerate(shape))
        for at, (size, axis) in enumerate(zip(shape, axes, strict=True), offset):
            if fits and size == out[at] and (result[at] == ANY or axis == BATCH):
                result[at] = axis
    leading = any(shape and out and shape[0] == out[0] and axes[0] == BATCH for shape, axes in inputs)
    if leading and result and result[0] == ANY:
        result[0] = BATCH
    return tuple(result)


RULES_BY_OPERATION: dict[str, Callable[[tf.Operation, list[Form], Constant], Axes]] = {
    "ExpandDims": _expanded,
    "Squeeze": _squeezed,
    "Transpose": _transposed,
    "Reshape": _reshaped,
    "StridedSlice": _sliced,
    "Pack": _packed,
    **dict.fromkeys(REDUCTIONS, _reduced),
    **dict.fromkeys(PRODUCTS, _multiplied),
}


def shape_of(tensor: tf.Tensor) -> Shape:
    """Return a tensor's static shape, -1 where a length is not known; rank unknown counts as scalar."""
    if tensor.shape.rank is None:
        return ()
    return tuple(-1 if size is None else int(size) for size in tensor.shape)


def broadcast_shape(a: Shape, b: Shape) -> Shape:
    """Return the shape that two shapes broadcast to, or nothing if they do not."""
    try:
        return tuple(int(size) for size in np.broadcast_shapes(a, b))
    except ValueError:
        return ()


def is_accident(a: Form, b: Form, labels_meet_predictions: bool) -> bool:
    """Tell whether two tensors broadcast against each other in a way that nobody wrote down.

    Args:
        a: Shape and axes of one tensor.
        b: Shape and axes of the other.
        labels_meet_predictions: Whether one is made of labels alone and the other of predictions alone. If
            not, only a batch axis that meets another axis counts.
    """
    (shape_a, axes_a), (shape_b, axes_b) = a, b
    unknown = -1 in shape_a or -1 in shape_b or not shape_a or not shape_b
    if shape_a == shape_b or unknown or axes_a.count(BATCH) > 1 or axes_b.count(BATCH) > 1:
        return False
    both_have_batch = BATCH in axes_a and BATCH in axes_b
    both_made_axes = NEW in axes_a and NEW in axes_b
    for small, large in _stretched(a, b):
        if large == BATCH and small != BATCH and both_have_batch and not both_made_axes:
            return True
        if labels_meet_predictions and small in (RAW, BATCH):
            return True
    return False


def _stretched(a: Form, b: Form) -> list[tuple[str | None, str | None]]:
    """Return each axis that is repeated, None where it is not even there, with the one it is repeated along."""
    axes_a, axes_b = (zip(reversed(shape), reversed(axes), strict=True) for shape, axes in (a, b))
    pairs = list(zip_longest(axes_a, axes_b, fillvalue=(None, None)))[::-1]
    return [
        (one, other) if size in (None, 1) else (other, one)
        for (size, one), (other_size, other) in pairs
        if size != other_size
    ]
