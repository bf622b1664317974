"""Traced models: finds labels and predictions whose shapes disagree in the graph of Keras on TensorFlow.

Imported only where such a model is in hand.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import tree

from pitfalls.guard.findings import GuardError, Report, first_line
from pitfalls.guard.shapes import private
from pitfalls.guard.shapes.declared import declared_findings
from pitfalls.guard.shapes.meeting import Meeting
from pitfalls.guard.shapes.meetings import meetings_and_gaps
from pitfalls.guard.shapes.messages import broadcast_findings
from pitfalls.guard.shapes.parts import (
    NO_LABELS,
    ONE_ROW,
    Parts,
    added_losses,
    doubled,
    has_one_row,
    unpacked,
)
from pitfalls.guard.shapes.tracing import Marked
from pitfalls.guard.stream.batches import PARTS

NO_OUTPUT = "Its output: the model cannot be called by itself, only its training step was traced."
NOT_COMPILED = (
    "The model is not compiled, so there is no loss to check.\n"
    "Compile it, or name one: check_model(model, batch, loss='mse'), pitfalls check ... --loss mse."
)


def check_traced(
    model: keras.Model,
    batch: Any,
    loss: Any,
    metrics: Any,
    step: Callable[..., Any] | None,
    allow: Sequence[str],
    name: str | None,
) -> Report:
    """Return what is wrong with a model of Keras on TensorFlow; see `models.check_model`."""
    parts = unpacked(batch)
    one_row = has_one_row(parts)
    parts = doubled(parts) if one_row else parts
    by_hand = step is not None or (loss is None and metrics is None and _has_own_step(model))
    prediction = _predicted(model, parts[0], needed=not by_hand)
    traceable = len(parts) > 1 or by_hand
    found = _meetings(model, parts, prediction, loss, metrics, step) if traceable else ([], [])
    meetings, gaps = found
    findings = [*broadcast_findings(meetings, allow), *declared_findings(model, parts[0], prediction)]
    without_loss = not traceable and (loss is not None or model.compiled)
    notes = [*_notes(prediction is None, without_loss, traceable, one_row), *gaps, *added_losses(model)]
    return Report(name or str(getattr(model, "name", "model")), tuple(findings), tuple(notes), 1)


def _notes(no_output: bool, no_labels: bool, traced: bool, one_row: bool) -> list[str]:
    """Say what could not be looked at."""
    repairs = f"Ranks that Keras repairs: not traced with this Keras. {private.versions()}."
    deaf = traced and not private.hears_repairs()
    said = ((NO_OUTPUT, no_output), (NO_LABELS, no_labels), (repairs, deaf), (ONE_ROW, one_row))
    return [note for note, holds in said if holds]


def _has_own_step(model: keras.Model) -> bool:
    return type(model).train_step is not keras.Model.train_step


def _predicted(model: keras.Model, inputs: Any, needed: bool) -> Any:
    """Return what the model really computes for a batch, or None if it may go without."""
    try:
        return tree.map_structure(np.asarray, model(inputs, training=False))
    except Exception as error:
        if not needed:
            return None
        what = f"{type(error).__name__}: {first_line(error)}"
        raise GuardError(f"The model does not take this batch: {what}") from error


def _meetings(
    model: keras.Model,
    parts: Parts,
    prediction: Any,
    loss: Any,
    metrics: Any,
    step: Callable[..., Any] | None,
) -> tuple[list[Meeting], list[str]]:
    """Return the meetings in a hand-written step, in a loss and metrics that were given, or in the model's own."""
    marked = dict(zip(PARTS, parts, strict=False))
    if step is not None:
        return _traced(_own_step(step, len(parts)), marked)
    if loss is not None or metrics is not None:
        marked.pop("inputs")
        return _traced(_compiled_step(model, loss, metrics), {**marked, "prediction": prediction})
    if not model.compiled and not _has_own_step(model):
        raise GuardError(NOT_COMPILED)
    return _traced(lambda **given: model.train_step(tuple(given.values())), marked)


def _own_step(step: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return a step that takes the parts of a batch by their roles."""
    try:
        inspect.signature(step).bind(*range(count))
        return lambda **given: step(*given.values())
    except TypeError:
        return lambda **given: step(tuple(given.values()))


def _compiled_step(model: keras.Model, loss: Any, metrics: Any) -> Callable[..., Any]:
    """Return a step that computes a loss and metrics as ``compile(loss=..., metrics=...)`` would."""
    names = getattr(model, "output_names", None)
    if metrics is not None and not isinstance(metrics, (list, tuple, dict)):
        metrics = [metrics]

    def step(labels: Any, prediction: Any, sample_weight: Any = None) -> None:
        if loss is not None:
            private.compiled_loss(loss, names)(labels, prediction, sample_weight)
        if metrics is not None:
            private.compiled_metrics(metrics, names)(labels, prediction)

    return step


def _traced(step: Callable[..., Any], marked: Marked) -> tuple[list[Meeting], list[str]]:
    try:
        return meetings_and_gaps(step, marked)
    except private.UnknownVersionError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise GuardError(f"The loss cannot be computed on this batch: {what}") from error
