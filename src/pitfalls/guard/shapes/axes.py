"""Axes: what each axis of a traced tensor is, carried through the operations of a graph.

An axis is the batch, a raw axis as the tensor came with it, or one that the code made
on purpose (``expand_dims``, ``y[:, None]``, ``keepdims=True``). Whether a broadcast is
an accident depends on that: ``mask[..., None] * errors`` is meant, ``(64,) - (64, 1)``
is not, though both broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

BATCH, RAW, NEW, ANY = "batch", "raw", "new", "any"
Axes = tuple[str, ...]
Shape = tuple[int, ...]
REDUCTIONS = {"Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "EuclideanNorm"}


def raw_axes(shape: Sequence[Any]) -> Axes:
    """Return the axes of a tensor as it came: the batch first."""
    return tuple([BATCH, *[RAW] * (len(shape) - 1)][: len(shape)])


def axes_after(op: Any, inputs: list[tuple[Shape, Axes]], constant: Callable[[Any], Any]) -> Axes:
    """Return the axes of an operation's first output.

    Args:
        op: A TensorFlow operation.
        inputs: Shape and axes of its tainted inputs, in order.
        constant: Returns the value of a tensor that is known before running, or None.
    """
    out = shape_of(op.outputs[0])
    shape, axes = inputs[0]
    if op.type == "ExpandDims":
        at = int(constant(op.inputs[1])) % len(out)
        return (*axes[:at], NEW, *axes[at:])
    if op.type == "Squeeze":
        dims = [d % len(shape) for d in op.get_attr("squeeze_dims")]
        gone = dims or [i for i, size in enumerate(shape) if size == 1]
        return tuple(axis for i, axis in enumerate(axes) if i not in gone)
    if op.type in REDUCTIONS:
        return _reduced(axes, constant(op.inputs[1]), op.get_attr("keep_dims"))
    if op.type == "Transpose":
        return tuple(axes[i] for i in constant(op.inputs[1]))
    if op.type == "Reshape":
        return _reshaped(shape, axes, out)
    if op.type == "StridedSlice":
        return _sliced(op, axes, constant)
    if op.type in ("MatMul", "BatchMatMulV2", "BatchMatMulV3") and len(inputs) == 2:
        return _multiplied(op, inputs)
    if op.type == "Pack":
        at = op.get_attr("axis") % len(out)
        return (*axes[:at], NEW, *axes[at:])
    return _elementwise(inputs, out)


def _reduced(axes: Axes, over: Any, keep: bool) -> Axes:
    """Return what a reduction leaves; an axis kept at length one is there on purpose."""
    gone = (
        {int(i) % len(axes) for i in ([over] if getattr(over, "ndim", 1) == 0 else over)} if axes else set()
    )
    return tuple(NEW if i in gone else axis for i, axis in enumerate(axes) if keep or i not in gone)


def _reshaped(shape: Shape, axes: Axes, out: Shape) -> Axes:
    """Match the old axes to the new ones by the products of their lengths."""
    if shape == out:
        return axes
    result: list[str] = []
    old = [(size, axis) for size, axis in zip(shape, axes, strict=True) if size != 1]
    while len(result) < len(out):
        size = out[len(result)]
        if size == 1 or not old:
            result.append(NEW)
            continue
        group, total, made = [old.pop(0)], 0, [size]
        total = group[0][0]
        while total != prod(made) and (old or len(result) + len(made) < len(out)):
            if total < prod(made) and old:
                group.append(old.pop(0))
                total *= group[-1][0]
            elif len(result) + len(made) < len(out):
                made.append(out[len(result) + len(made)])
            else:
                break
        kinds = [axis for _, axis in group]
        first = BATCH if BATCH in kinds else kinds[0] if len(made) == len(group) == 1 else ANY
        result += [first, *[ANY] * (len(made) - 1)]
    return tuple(result[: len(out)])


def _sliced(op: Any, axes: Axes, constant: Callable[[Any], Any]) -> Axes:
    """Return the axes of ``y[:, None]``, ``y[..., 0]`` and their like."""
    spec = constant(op.inputs[1])
    count = len(spec) if spec is not None else len(axes)
    ellipsis, new, shrink = (op.get_attr(f"{word}_mask") for word in ("ellipsis", "new_axis", "shrink_axis"))
    used = sum(1 for i in range(count) if not (new >> i & 1 or ellipsis >> i & 1))
    left, result = list(axes), []
    for i in range(count):
        if ellipsis >> i & 1:
            for _ in range(len(axes) - used):
                result.append(left.pop(0))
        elif new >> i & 1:
            result.append(NEW)
        elif left:
            axis = left.pop(0)
            if not shrink >> i & 1:
                result.append(axis)
    return (*result, *left)


def _multiplied(op: Any, inputs: list[tuple[Shape, Axes]]) -> Axes:
    """Return rows of the first and columns of the second matrix."""
    (_, a), (_, b) = inputs
    names = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
    row = a[-1] if op.get_attr(names[0]) else a[-2]
    column = b[-2] if op.get_attr(names[1]) else b[-1]
    return (*a[:-2], row, column)


def _elementwise(inputs: list[tuple[Shape, Axes]], out: Shape) -> Axes:
    """Return the axes of a broadcast of all the inputs; what does not fit is of unknown kind."""
    result = [ANY] * len(out)
    for shape, axes in inputs:
        if len(shape) > len(out):
            continue
        offset = len(out) - len(shape)
        fits = all(size in (1, out[offset + i]) for i, size in enumerate(shape))
        for i, (size, axis) in enumerate(zip(shape, axes, strict=True)):
            at = offset + i
            if fits and size == out[at] and (result[at] == ANY or axis == BATCH):
                result[at] = axis
    leading = [axes for shape, axes in inputs if shape and out and shape[0] == out[0] and axes[0] == BATCH]
    if leading and result and result[0] == ANY:
        result[0] = BATCH
    return tuple(result)


def shape_of(tensor: Any) -> Shape:
    """Return a tensor's static shape, -1 where a length is not known; rank unknown counts as scalar."""
    if tensor.shape.rank is None:
        return ()
    return tuple(-1 if size is None else int(size) for size in tensor.shape)


def is_accident(a: tuple[Shape, Axes], b: tuple[Shape, Axes], labels_meet_predictions: bool) -> bool:
    """Tell whether two tensors broadcast against each other in a way that nobody wrote down.

    Args:
        a: Shape and axes of one tensor.
        b: Shape and axes of the other.
        labels_meet_predictions: Whether one is made of labels alone and the other of predictions alone. If
            not, only a batch axis that meets another axis counts.
    """
    (shape_a, axes_a), (shape_b, axes_b) = a, b
    if shape_a == shape_b or -1 in shape_a or -1 in shape_b or not shape_a or not shape_b:
        return False
    if axes_a.count(BATCH) > 1 or axes_b.count(BATCH) > 1:
        return False
    rank = max(len(shape_a), len(shape_b))
    pad = [(None, None)]
    pairs = zip(
        pad * (rank - len(shape_a)) + list(zip(shape_a, axes_a, strict=True)),
        pad * (rank - len(shape_b)) + list(zip(shape_b, axes_b, strict=True)),
        strict=True,
    )
    both_have_batch = BATCH in axes_a and BATCH in axes_b
    both_made_axes = NEW in axes_a and NEW in axes_b
    for (size_a, axis_a), (size_b, axis_b) in pairs:
        if size_a == size_b:
            continue
        small, large = (axis_a, axis_b) if size_a in (None, 1) else (axis_b, axis_a)
        if large == BATCH and small in (None, NEW, ANY, RAW) and both_have_batch and not both_made_axes:
            return True
        if labels_meet_predictions and small in (RAW, BATCH):
            return True
    return False
