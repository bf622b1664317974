"""Tracing: records how a loss, a metric or a training step combines labels with predictions.

The step is traced into a TensorFlow graph with the shapes of a real batch; nothing is
run and no weight moves. Each tensor of the graph then carries where it comes from
(labels, inputs, predictions) and what its axes are, and every operation in which
labels meet predictions is looked at.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import tensor_util
from tensorflow.python.framework.func_graph import func_graph_from_py_func

from pitfalls.guard.shapes import axes as ax
from pitfalls.guard.stream.sources import OWN_CODE, Place, is_user_file

MEETING_OPS = {
    *("Sub", "SquaredDifference", "Mul", "AddV2", "Add", "RealDiv", "Div", "DivNoNan", "MulNoNan", "Xdivy"),
    *("Xlogy", "Xlog1py", "Pow", "Minimum", "Maximum", "Equal", "NotEqual", "Less", "LessEqual", "Greater"),
    *("GreaterEqual", "LogicalAnd", "LogicalOr", "SelectV2", "FloorDiv", "FloorMod", "Atan2", "BitwiseAnd"),
}
PREDICTION = "prediction"
REPAIR = "squeeze_or_expand_to_same_rank"
GENERIC_NAMES = {"call", "__call__", "update_state", "wrapper", "result", "<module>"}
KERAS_CODE = ("keras/src/losses", "keras/src/metrics")


@dataclass(frozen=True)
class Meeting:
    """One place where labels and predictions of different shapes are brought together."""

    label: ax.Shape
    prediction: ax.Shape
    result: ax.Shape
    path: str
    names: tuple[str, ...]
    place: Place | None
    in_metric: bool
    repaired: bool = False

    @property
    def name(self) -> str:
        """The loss or metric it happens in."""
        return self.names[0] if self.names else "the step"

    @property
    def averaged(self) -> int:
        """How many errors are averaged."""
        return prod(self.result)

    @property
    def meant(self) -> int:
        """How many there are to average: one a label, or one a prediction if there are fewer."""
        return min(prod(self.label), prod(self.prediction))


@dataclass
class Trace:
    """A traced graph with the origins and axes of its tensors."""

    origins: dict[str, frozenset[str]] = field(default_factory=dict)
    axes: dict[str, ax.Axes] = field(default_factory=dict)
    repairs: list[tuple[Any, Any, str, list[traceback.FrameSummary]]] = field(default_factory=list)
    forward: list[tuple[int, int]] = field(default_factory=list)
    graph: Any = None

    def mark(self, tensor: Any, origin: str) -> None:
        """Say where a tensor comes from."""
        if isinstance(tensor, tf.Tensor):
            self.origins[tensor.name] = frozenset([origin])
            self.axes[tensor.name] = ax.raw_axes(tensor.shape if tensor.shape.rank is not None else ())

    def origin(self, tensor: Any) -> frozenset[str]:
        """Return where a tensor comes from; nothing for constants and weights."""
        return self.origins.get(tensor.name, frozenset())

    def form(self, tensor: Any) -> tuple[ax.Shape, ax.Axes]:
        """Return a tensor's shape and axes."""
        shape = ax.shape_of(tensor)
        known = self.axes.get(tensor.name, ())
        return shape, known if len(known) == len(shape) else (ax.ANY,) * len(shape)


def meetings_of(step: Callable[..., Any], marked: dict[str, Any]) -> list[Meeting]:
    """Trace a step, and return where labels and predictions of different shapes meet.

    Args:
        step: Takes one keyword argument for each key of ``marked``.
        marked: Structures of arrays by role: ``inputs``, ``labels``, ``sample_weight``, ``prediction``.
    """
    trace = Trace()
    flat = {key: keras.tree.flatten_with_path(value) for key, value in marked.items()}
    specs = [_spec(value) for leaves in flat.values() for _, value in leaves if value is not None]

    def traced(*tensors: Any) -> Any:
        left, given = iter(tensors), {}
        for key, leaves in flat.items():
            own = [None if value is None else next(left) for _, value in leaves]
            for (path, _), tensor in zip(leaves, own, strict=True):
                trace.mark(tensor, key + "".join(f"[{part!r}]" for part in path))
            given[key] = keras.tree.pack_sequence_as(marked[key], own)
        step(**given)
        return tf.constant(0)

    eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with _spying(trace):
            trace.graph = func_graph_from_py_func("pitfalls", traced, specs, {})
    finally:
        tf.config.run_functions_eagerly(eager)
    return list(_analysed(trace))


def _spec(value: Any) -> Any:
    """Return what TensorFlow makes of an array; NumPy's texts are strings of any length to it."""
    kind = getattr(value.dtype, "kind", "")
    return tf.TensorSpec(value.shape, tf.string if kind in ("U", "S", "O") else value.dtype)


@contextmanager
def _spying(trace: Trace) -> Iterator[None]:
    """Note what layers return, and what Keras's repair of ranks is given and returns."""

    layer_call = keras.layers.Layer.__call__
    depth = 0

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        depth += 1
        graph = tf.compat.v1.get_default_graph()
        start = _size(graph)
        try:
            outputs = layer_call(self, *args, **kwargs)
        finally:
            depth -= 1
        if depth == 0:
            trace.forward.append((start, _size(graph)))
            for tensor in keras.tree.flatten(outputs):
                trace.mark(tensor, PREDICTION)
        return outputs

    modules = [m for name, m in list(sys.modules.items()) if name.startswith("keras.") and hasattr(m, REPAIR)]
    repair = modules[0].__dict__[REPAIR] if modules else None

    def repaired(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
        new_a, new_b = repair(a, b, *args, **kwargs)  # type: ignore[misc]
        if isinstance(a, tf.Tensor) and (new_a.shape != a.shape or new_b.shape != b.shape):
            scope = tf.get_current_name_scope() + "/"
            trace.repairs.append((a, b, scope, traceback.extract_stack()))
        return new_a, new_b

    keras.layers.Layer.__call__ = called
    for module in modules:
        setattr(module, REPAIR, repaired)
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = layer_call
        for module in modules:
            setattr(module, REPAIR, repair)


def _size(graph: Any) -> int:
    return len(graph.get_operations()) if hasattr(graph, "get_operations") else 0


def _analysed(trace: Trace) -> Iterator[Meeting]:
    """Carry origins and axes through the graph, and yield each meeting."""
    for index, op in enumerate(trace.graph.get_operations()):
        tainted = [tensor for tensor in op.inputs if trace.origin(tensor)]
        if not tainted:
            continue
        in_forward = any(start <= index < end for start, end in trace.forward)
        if op.type in MEETING_OPS and not in_forward and not op.name.startswith("gradient_tape"):
            yield from _meetings_at(trace, op, tainted)
        _propagate(trace, op, tainted)
    for a, b, scope, stack in trace.repairs:
        meeting = _repair_meeting(trace, a, b, scope, stack)
        if meeting:
            yield meeting


def _propagate(trace: Trace, op: Any, tainted: list[Any]) -> None:
    """Give an operation's outputs the origins and axes that its inputs imply, unless they were marked."""
    origin = frozenset().union(*(trace.origin(tensor) for tensor in tainted))
    for index, output in enumerate(op.outputs):
        if output.name in trace.origins:
            continue
        trace.origins[output.name] = origin
        try:
            forms = [trace.form(tensor) for tensor in tainted]
            made = ax.axes_after(op, forms, tensor_util.constant_value) if index == 0 else ()
        except (TypeError, ValueError, IndexError, KeyError):
            made = ()
        trace.axes[output.name] = made


def _meetings_at(trace: Trace, op: Any, tainted: list[Any]) -> Iterator[Meeting]:
    """Yield the accidental broadcasts among an operation's inputs."""
    for i, a in enumerate(tainted):
        for b in tainted[i + 1 :]:
            if trace.origin(a) == trace.origin(b):
                continue
            a_is, b_is = _role(trace.origin(a)), _role(trace.origin(b))
            pure = {a_is, b_is} == {"label", PREDICTION}
            if ax.is_accident(trace.form(a), trace.form(b), pure):
                label, prediction = (b, a) if a_is == PREDICTION or b_is == "label" else (a, b)
                frames = _frames(op.traceback)
                yield _meeting(trace, label, prediction, ax.shape_of(op.outputs[0]), frames, op.name)


def _role(origin: frozenset[str]) -> str:
    """Return whether a tensor is made of predictions alone, of labels (or inputs) alone, or of both."""
    if origin == {PREDICTION}:
        return PREDICTION
    return "mixed" if PREDICTION in origin else "label"


def _meeting(
    trace: Trace, label: Any, prediction: Any, result: ax.Shape, frames: Any, op_name: str = ""
) -> Meeting:
    paths = sorted(trace.origin(label) - {PREDICTION}) or sorted(trace.origin(prediction) - {PREDICTION})
    user = [frame for frame in frames if is_user_file(frame.filename)]
    place = Place(user[-1].filename, user[-1].lineno or 0) if user else None
    in_metric = any("keras/src/metrics" in frame.filename for frame in frames) or any(
        frame.name == "compute_metrics" for frame in frames
    )
    names = _names(op_name, frames)
    shapes = ax.shape_of(label), ax.shape_of(prediction)
    return Meeting(*shapes, result, paths[0] if paths else "labels", names, place, in_metric)


def _names(op_name: str, frames: list[traceback.FrameSummary]) -> tuple[str, ...]:
    """Return the names a user may know the loss by, the best first: its scope, then the functions."""
    scopes = [part for part in op_name.split("/")[:-1] if part not in ("compile_loss", "while", "cond")]
    functions = [
        f.name
        for f in reversed(frames)
        if is_user_file(f.filename) or any(k in f.filename for k in KERAS_CODE)
    ]
    return tuple(dict.fromkeys([*scopes, *(name for name in functions if name not in GENERIC_NAMES)]))


def _frames(stack: Any) -> list[traceback.FrameSummary]:
    """Return the part of a stack that belongs to the traced step."""
    frames = list(stack)
    own = [i for i, frame in enumerate(frames) if frame.filename == __file__ and frame.name == "traced"]
    return [frame for frame in frames[own[-1] + 1 if own else 0 :] if not frame.filename.startswith(OWN_CODE)]


def _repair_meeting(trace: Trace, a: Any, b: Any, scope: str, stack: Any) -> Meeting | None:
    """Return what the repair prevented, if it stood between labels and predictions."""
    roles = {_role(trace.origin(a)), _role(trace.origin(b))} if trace.origin(a) and trace.origin(b) else set()
    if roles != {"label", PREDICTION}:
        return None
    label, prediction = (b, a) if _role(trace.origin(a)) == PREDICTION else (a, b)
    shapes = ax.shape_of(label), ax.shape_of(prediction)
    made = _meeting(trace, label, prediction, broadcast_shape(*shapes), _frames(stack), scope)
    return Meeting(**{**vars(made), "repaired": True})


def broadcast_shape(a: ax.Shape, b: ax.Shape) -> ax.Shape:
    """Return the shape that two shapes broadcast to, or nothing if they do not."""
    import numpy as np

    try:
        return tuple(int(size) for size in np.broadcast_shapes(a, b))
    except ValueError:
        return ()
