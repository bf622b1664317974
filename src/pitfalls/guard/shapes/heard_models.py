"""Heard models: finds labels and predictions whose shapes disagree where Keras runs on JAX or PyTorch.

Nothing is traced there. The model's compiled losses and metrics are run once on the batch, Keras's repairs are
heard, and each loss that repairs nothing is tried on values. A `compute_loss` or `train_step` of one's own is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import tree

from pitfalls.guard.findings import GuardError, Report, first_line
from pitfalls.guard.shapes import private
from pitfalls.guard.shapes.declared import declared_findings
from pitfalls.guard.shapes.meeting import Meeting, Shape
from pitfalls.guard.shapes.messages import broadcast_findings
from pitfalls.guard.shapes.parts import (
    NO_LABELS,
    Parts,
    added_losses,
    doubled,
    has_one_row,
    unpacked,
)
from pitfalls.guard.shapes.trying import Form, broadcast, in_a_thread, meeting_in

NOT_COMPILED = (
    "The model is not compiled, so there is no loss to check.\n"
    "Compile it, or name one: check_model(model, batch, loss='mse')."
)
Heard = tuple[Any, bool, Any, Any]
"""A loss or a metric, whether it is a metric, and the labels and predictions that it was given."""


def check_heard(
    model: keras.Model,
    batch: Any,
    loss: Any,
    metrics: Any,
    allow: Sequence[str],
    name: str | None,
    state: Any = None,
) -> Report:
    """Return what is wrong with a model of Keras on JAX or PyTorch; see `models.check_model`.

    Args:
        model: A Keras model.
        batch: Its inputs, labels and weights.
        loss: Instead of the model's own.
        metrics: The same.
        allow: What may broadcast.
        name: Of the report.
        state: On JAX the variables of a model that is being trained: trainable ones, others, and more.
    """
    parts = unpacked(batch)
    parts = doubled(parts) if has_one_row(parts) else parts
    prediction = _predicted(model, parts[0], state)
    if loss is None and metrics is None:
        if not model.compiled:
            raise GuardError(NOT_COMPILED)
        loss, metrics = model.loss, private.metrics_of(model)
    meetings = meetings_of(model, parts, prediction, loss, metrics)
    arrays = tree.map_structure(keras.ops.convert_to_numpy, prediction)
    findings = [*broadcast_findings(meetings, allow), *declared_findings(model, parts[0], arrays)]
    return Report(name or str(model.name), tuple(findings), tuple(_notes(model, parts)), 1)


def meetings_of(model: keras.Model, parts: Parts, prediction: Any, loss: Any, metrics: Any) -> list[Meeting]:
    """Return where labels and predictions of different shapes meet in compiled losses and metrics."""
    if len(parts) < 2:
        return []
    repairs: list[tuple[Shape, Shape]] = []
    heard: list[Heard] = []
    hears_repairs = private.listening(lambda call: call(), _noting_repairs(repairs))
    with hears_repairs, private.hearing_losses(_noting(heard)):
        _run(model, parts, prediction, loss, metrics)
    told = [(called, metric, Form.of(y), Form.of(p)) for called, metric, y, p in heard]
    return [meeting for each in told if (meeting := _told(*each, repairs))]


def _noting_repairs(repairs: list[tuple[Shape, Shape]]) -> Callable[[Any, Any, Any, Any], None]:
    """Return what keeps the shapes of a repair that changed something."""

    def note(a: Any, b: Any, new_a: Any, new_b: Any) -> None:
        if tuple(a.shape) != tuple(new_a.shape) or tuple(b.shape) != tuple(new_b.shape):
            repairs.append((tuple(a.shape), tuple(b.shape)))

    return note


def _noting(heard: list[Heard]) -> Callable[[Any, bool, Any, Any], None]:
    """Return what keeps a loss of single arrays: those of several outputs are heard one by one."""

    def note(called: Any, is_metric: bool, labels: Any, prediction: Any) -> None:
        if hasattr(labels, "shape") and hasattr(prediction, "shape"):
            heard.append((called, is_metric, labels, prediction))

    return note


def _run(model: keras.Model, parts: Parts, prediction: Any, loss: Any, metrics: Any) -> None:
    names = getattr(model, "output_names", None)
    labels = tree.map_structure(keras.ops.convert_to_tensor, parts[1])
    try:
        if loss is not None:
            private.compiled_loss(loss, names)(labels, prediction, *parts[2:])
        if metrics is not None:
            listed = metrics if isinstance(metrics, (list, tuple, dict)) else [metrics]
            private.compiled_metrics(listed, names)(labels, prediction)
    except private.UnknownVersionError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise GuardError(f"The loss cannot be computed on this batch: {what}") from error


def _told(
    called: Any, is_metric: bool, labels: Form, prediction: Form, repairs: list[tuple[Shape, Shape]]
) -> Meeting | None:
    """Return how one loss or metric brings labels and predictions together."""
    shapes, names = {labels.shape, prediction.shape}, names_of(called)
    if len(shapes) == 2 and any(set(pair) == shapes for pair in repairs):
        result = broadcast(labels.shape, prediction.shape)
        return Meeting(
            labels.shape, prediction.shape, result, "labels", names, None, is_metric, repaired=True
        )
    function = private.function_of(called) if is_metric else called
    meeting = meeting_in(in_keras(function), labels, prediction, names)
    return replace(meeting, in_metric=is_metric) if meeting else None


def meeting_of_loss(loss: Callable[..., Any], labels: Form, prediction: Form) -> Meeting | None:
    """Return how a loss of Keras brings two shapes together: also where Keras's repair undoes it.

    Args:
        loss: Takes labels and predictions.
        labels: Their shape, and whether they are integers.
        prediction: The same.
    """
    rng = np.random.default_rng(0)
    repairs: list[tuple[Shape, Shape]] = []
    values = labels.drawn(rng, 2), prediction.drawn(rng, 2)

    def run() -> bool:
        with private.listening(lambda call: call(), _noting_repairs(repairs)):
            in_keras(loss)(*values)
        return True

    if not in_a_thread(run):
        return None
    return _told(loss, False, labels, prediction, repairs)


def in_keras(loss: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a loss of Keras as one of NumPy arrays."""

    def compute(labels: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        tensors = (keras.ops.convert_to_tensor(array) for array in (labels, prediction))
        array: np.ndarray = keras.ops.convert_to_numpy(loss(*tensors))
        return array

    return compute


def names_of(called: Any) -> tuple[str, ...]:
    """Return the names that a user may know a loss or a metric by."""
    own = getattr(called, "name", None), getattr(called, "__name__", None), type(called).__name__
    return tuple(dict.fromkeys(name for name in own if name))


def _predicted(model: keras.Model, inputs: Any, state: Any) -> Any:
    """Return what a model answers; while JAX trains it, its variables are in the state of the step."""
    tensors = tree.map_structure(keras.ops.convert_to_tensor, inputs)
    try:
        if state:
            return model.stateless_call(state[0], state[1], tensors, training=False)[0]
        return model(tensors, training=False)
    except Exception as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise GuardError(f"The model does not take this batch: {what}") from error


def _notes(model: keras.Model, parts: Parts) -> list[str]:
    """Say what could not be looked at."""
    backend, kind = keras.config.backend(), type(model)
    by_hand = [
        name
        for name in ("compute_loss", "train_step")
        if getattr(kind, name) is not getattr(keras.Model, name)
    ]
    notes = [
        f"{name}: backend {backend} is not traced, and a {name} of one's own is not seen." for name in by_hand
    ]
    return [*notes, *([] if len(parts) > 1 else [NO_LABELS]), *added_losses(model)]
