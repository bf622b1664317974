"""Meetings: where labels and predictions of different shapes are brought together in a traced graph."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import tensorflow as tf

from pitfalls.guard.shapes import axes as ax
from pitfalls.guard.shapes import private
from pitfalls.guard.shapes.meeting import Meeting
from pitfalls.guard.shapes.tracing import PREDICTION, Marked, Repair, Trace, frames_of_the_step, traced
from pitfalls.guard.stream.lines import Place, is_user_file

MEETING_OPS = {
    *("Sub", "SquaredDifference", "Mul", "AddV2", "Add", "RealDiv", "Div", "DivNoNan", "MulNoNan", "Xdivy"),
    *("Xlogy", "Xlog1py", "Pow", "Minimum", "Maximum", "Equal", "NotEqual", "Less", "LessEqual", "Greater"),
    *("GreaterEqual", "LogicalAnd", "LogicalOr", "SelectV2", "FloorDiv", "FloorMod", "Atan2", "BitwiseAnd"),
}
OPAQUE = {
    "a py_function or numpy_function": {"EagerPyFunc", "PyFunc", "PyFuncStateless"},
    "a map_fn, a while_loop or a scan": {"While", "StatelessWhile"},
    "a cond": {"If", "StatelessIf"},
}
LABEL, MIXED = "label", "mixed"
GENERIC_NAMES = {"call", "__call__", "update_state", "wrapper", "result", "<module>"}
Frames = list[traceback.FrameSummary]


def meetings_of(step: Callable[..., Any], marked: Marked) -> list[Meeting]:
    """Trace a step, and return where labels and predictions of different shapes meet.

    Args:
        step: Takes one keyword argument for each key of ``marked``.
        marked: Structures of arrays by role: ``inputs``, ``labels``, ``sample_weight``, ``prediction``.
    """
    return meetings_and_gaps(step, marked)[0]


def meetings_and_gaps(step: Callable[..., Any], marked: Marked) -> tuple[list[Meeting], list[str]]:
    """Trace a step as ``meetings_of`` does, and return also what could not be followed."""
    trace = traced(step, marked)
    meetings = [*_accidents(trace), *_repairs(trace)]
    return meetings, opaque_parts(trace)


def _accidents(trace: Trace) -> Iterator[Meeting]:
    """Carry origins and axes through the graph, and yield each broadcast that nobody wrote down."""
    for index, op in enumerate(trace.operations()):
        tainted = [tensor for tensor in op.inputs if trace.origin(tensor)]
        if not tainted:
            continue
        in_forward = any(start <= index < end for start, end in trace.forward)
        if op.type in MEETING_OPS and not in_forward and not private.is_gradient(op):
            yield from _accidents_at(trace, op, tainted)
        _propagate(trace, op, tainted)


def opaque_parts(trace: Trace) -> list[str]:
    """Return the operations that bring labels and predictions together where no trace can follow, in words."""
    found = {}
    for op in trace.operations():
        kind = next((words for words, types in OPAQUE.items() if op.type in types), None)
        origins = frozenset().union(*(trace.origin(tensor) for tensor in op.inputs)) if kind else frozenset()
        if kind and PREDICTION in origins and not private.is_gradient(op):
            place = _user_place(frames_of_the_step(op.traceback))
            found[kind, place] = f"What is inside {kind}" + (f", at {place.text}" if place else "") + "."
    return list(found.values())


def _propagate(trace: Trace, op: tf.Operation, tainted: list[tf.Tensor]) -> None:
    """Give an operation's outputs the origins and axes that its inputs imply, unless they were marked."""
    origin = frozenset().union(*(trace.origin(tensor) for tensor in tainted))
    for index, output in enumerate(op.outputs):
        if output.name not in trace.origins:
            trace.origins[output.name] = origin
            trace.axes[output.name] = () if index else _axes_after(trace, op, tainted)


def _axes_after(trace: Trace, op: tf.Operation, tainted: list[tf.Tensor]) -> ax.Axes:
    """Return the axes of an operation's first output; nothing if they cannot be told."""
    forms = [trace.form(tensor) for tensor in tainted]
    try:
        return ax.axes_after(op, forms, tf.get_static_value)
    except (TypeError, ValueError, IndexError, KeyError):
        return ()


def _accidents_at(trace: Trace, op: tf.Operation, tainted: list[tf.Tensor]) -> Iterator[Meeting]:
    """Yield the accidental broadcasts among an operation's inputs."""
    for a, b in combinations(tainted, 2):
        roles = _role(trace.origin(a)), _role(trace.origin(b))
        pure = set(roles) == {LABEL, PREDICTION}
        if trace.origin(a) != trace.origin(b) and ax.is_accident(trace.form(a), trace.form(b), pure):
            pair = (b, a) if roles[0] == PREDICTION or roles[1] == LABEL else (a, b)
            yield _meeting(
                trace, *pair, ax.shape_of(op.outputs[0]), frames_of_the_step(op.traceback), op.name
            )


def _repairs(trace: Trace) -> Iterator[Meeting]:
    """Yield what a repair prevented, if it stood between labels and predictions."""
    for repair in trace.repairs:
        a_is, b_is = (_role(trace.origin(tensor)) for tensor in (repair.a, repair.b))
        if trace.origin(repair.a) and trace.origin(repair.b) and {a_is, b_is} == {LABEL, PREDICTION}:
            yield _repaired(trace, repair, a_is == PREDICTION)


def _repaired(trace: Trace, repair: Repair, prediction_first: bool) -> Meeting:
    label, prediction = (repair.b, repair.a) if prediction_first else (repair.a, repair.b)
    result = ax.broadcast_shape(ax.shape_of(label), ax.shape_of(prediction))
    frames = frames_of_the_step(repair.stack)
    meeting = _meeting(trace, label, prediction, result, frames, repair.scope)
    names = (repair.metric, *meeting.names) if repair.metric else meeting.names
    return replace(meeting, names=names, repaired=True)


def _role(origin: frozenset[str]) -> str:
    """Return whether a tensor is made of predictions alone, of labels (or inputs) alone, or of both."""
    if origin == {PREDICTION}:
        return PREDICTION
    return MIXED if PREDICTION in origin else LABEL


def _meeting(
    trace: Trace, label: tf.Tensor, prediction: tf.Tensor, result: ax.Shape, frames: Frames, op_name: str
) -> Meeting:
    predicted = [PREDICTION in trace.origin(tensor) for tensor in (label, prediction)]
    paths = sorted(trace.origin(label) - {PREDICTION}) or sorted(trace.origin(prediction) - {PREDICTION})
    return Meeting(
        label=ax.shape_of(label),
        prediction=ax.shape_of(prediction),
        result=result,
        path=paths[0] if paths else "labels",
        names=_names(op_name, frames),
        both_predicted=all(predicted),
        place=_user_place(frames),
        in_metric=any(private.is_metric_file(f.filename) or f.name == "compute_metrics" for f in frames),
    )


def _user_place(frames: Frames) -> Place | None:
    """Return the user's innermost line."""
    user = [frame for frame in frames if is_user_file(frame.filename)]
    return Place(user[-1].filename, user[-1].lineno or 0) if user else None


def _names(op_name: str, frames: Frames) -> tuple[str, ...]:
    """Return the names a user may know the loss by, the best first: its scope, then the functions."""
    functions = [frame.name for frame in reversed(frames) if _may_hold_a_loss(frame.filename)]
    named = [name for name in functions if name not in GENERIC_NAMES]
    return tuple(dict.fromkeys([*private.loss_scopes(op_name), *named]))


def _may_hold_a_loss(file: str) -> bool:
    return is_user_file(file) or private.is_loss_file(file) or private.is_metric_file(file)
