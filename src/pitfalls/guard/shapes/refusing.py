"""Refusing: stops a broadcast before it trains anything.

``ShapeGuard`` looks once, at the first batch that ``fit`` is really given. ``no_broadcast``
makes a loss look whenever it is traced, and at run time where a shape is not known before.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from pitfalls.guard.findings import BroadcastLossError, GuardError
from pitfalls.guard.shapes import private
from pitfalls.guard.shapes.axes import Shape
from pitfalls.guard.shapes.meetings import meetings_of
from pitfalls.guard.shapes.messages import refusal_message
from pitfalls.guard.shapes.models import check_model

ASSUMED_ROWS, ASSUMED_LENGTH = 6, 7
Lengths = list[int | None]


class ShapeGuard(keras.callbacks.Callback):
    """Raises ``BroadcastLossError`` before the first step of ``fit`` if labels and predictions broadcast.

    What Keras repairs is let through: ``check_model`` reports it.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        """Let the losses and metrics named in ``allow`` broadcast."""
        super().__init__()
        self.allow = tuple(allow)

    def on_train_begin(self, logs: Any = None) -> None:
        """Stand in front of the first step, and of that one only."""
        private.before_first_step(self.model, functools.partial(self.look, self.model))

    def look(self, model: keras.Model, batch: Any) -> None:
        """Raise if a batch would broadcast in a model's loss or metrics."""
        local = tree.map_structure(lambda value: private.first_replica(model, value), batch)
        try:
            report = check_model(model, _without_optionals(local), allow=self.allow)
        except private.UnknownVersionError:
            raise
        except GuardError:
            return
        bites = [finding for finding in report if finding.rule == "broadcast-loss" and not finding.repaired]
        if bites:
            raise BroadcastLossError("\n\n".join(finding.text for finding in bites))


def _without_optionals(batch: Any) -> Any:
    """Replace TensorFlow's empty optionals by None, as Keras does."""
    if not isinstance(batch, tuple):
        return batch
    return tuple(None if isinstance(part, tf.experimental.Optional) else part for part in batch)


def no_broadcast(loss: Any) -> NoBroadcastLoss:
    """Return a loss that computes what the given one does, and refuses to broadcast.

    A model that was saved with it is loaded where this function has been imported.

    Args:
        loss: The name of a Keras loss, a function, or a ``Loss``.

    Returns:
        A ``Loss`` for ``compile``; called with two arguments it returns what the given loss does.
    """
    return NoBroadcastLoss(keras.losses.get(loss))


def aligned(loss: Any) -> NoBroadcastLoss:
    """Return ``no_broadcast(loss)``: this is its old name."""
    warnings.warn(
        "guard.aligned(loss) is now called guard.no_broadcast(loss): it aligns nothing, it refuses.",
        DeprecationWarning,
        stacklevel=2,
    )
    return no_broadcast(loss)


@keras.saving.register_keras_serializable("pitfalls")
class NoBroadcastLoss(keras.losses.Loss):
    """A loss behind a check of shapes; Keras hands it labels and predictions before any repair."""

    def __init__(self, inner: Any) -> None:
        """Stand in front of a function or a loss."""
        if not callable(inner):
            raise TypeError(
                f"A loss is a name, a function or a keras.losses.Loss; this is a {type(inner).__name__}."
            )
        super().__init__(name=getattr(inner, "name", None) or getattr(inner, "__name__", None))
        self.inner = inner
        self._answers: dict[tuple[Shape, Shape, tuple[tf.DType, ...]], str | None] = {}

    def __call__(self, y_true: Any, y_pred: Any, *sample_weight: Any) -> tf.Tensor:
        """Refuse, or compute the inner loss."""
        labels, predictions = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        with tf.control_dependencies(self._checks(labels, predictions)):
            labels, predictions = tf.identity(labels), tf.identity(predictions)
            compute = self._as_compiled() if sample_weight else self.inner
            return compute(labels, predictions, *sample_weight)

    def _as_compiled(self) -> keras.losses.Loss:
        """Return the inner loss as ``compile`` would take it, with its repair and its weights."""
        is_loss = isinstance(self.inner, keras.losses.Loss)
        return self.inner if is_loss else private.wrapped_loss(self.inner)

    def _checks(self, labels: tf.Tensor, predictions: tf.Tensor) -> list[tf.Tensor]:
        """Refuse what is known to be wrong, and return the checks to be made at run time."""
        shapes = [tensor.shape for tensor in (labels, predictions)]
        if any(shape.rank is None for shape in shapes):
            return [self._at_run_time(labels, predictions)]
        known = all(shape.is_fully_defined() for shape in shapes)
        self.refuse(*_assumed(*(shape.as_list() for shape in shapes)), labels.dtype, predictions.dtype)
        return [] if known else [self._at_run_time(labels, predictions)]

    def _at_run_time(self, labels: tf.Tensor, predictions: tf.Tensor) -> tf.Tensor:
        def look(a: np.ndarray, b: np.ndarray) -> np.int32:
            self.refuse(tuple(map(int, a)), tuple(map(int, b)), labels.dtype, predictions.dtype)
            return np.int32(0)

        return tf.numpy_function(look, [tf.shape(labels), tf.shape(predictions)], tf.int32)

    def refuse(self, label: Shape, prediction: Shape, *dtypes: tf.DType) -> None:
        """Raise ``BroadcastLossError`` if these shapes would broadcast, or would but for a repair."""
        key = (label, prediction, dtypes)
        if key not in self._answers:
            self._answers[key] = self._answer(label, prediction, *dtypes)
        answer = self._answers[key]
        if answer:
            raise BroadcastLossError(answer)

    def _answer(self, label: Shape, prediction: Shape, *dtypes: tf.DType) -> str | None:
        """Return why these shapes are refused, or None: also where the loss itself will raise."""
        if not private.hears_repairs():
            raise private.UnknownVersionError(private.RANK_REPAIR)
        inner = self._as_compiled()
        specs = [tf.TensorSpec(*form) for form in zip((label, prediction), dtypes, strict=True)]
        marked = dict(zip(("labels", "prediction"), specs, strict=True))
        try:
            meetings = meetings_of(lambda labels, prediction: inner(labels, prediction), marked)
        except private.UnknownVersionError:
            raise
        except Exception:
            return None
        return refusal_message(meetings[0]) if meetings else None

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the loss again."""
        return {"inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NoBroadcastLoss:
        """Build the loss again."""
        return cls(keras.saving.deserialize_keras_object(config["inner"]))


def _assumed(a: Lengths, b: Lengths) -> tuple[Shape, Shape]:
    """Fill in lengths that are not known yet, as if labels and predictions agreed on them."""
    return _filled(a, b), _filled(b, a)


def _filled(own: Lengths, other: Lengths) -> Shape:
    """Take an unknown length from the partner if the ranks agree and it is known there, or guess."""
    partner = other if len(own) == len(other) else [None] * len(own)
    guesses = [ASSUMED_ROWS, *[ASSUMED_LENGTH] * len(own)]
    known = [theirs if size is None else size for size, theirs in zip(own, partner, strict=True)]
    return tuple(guess if size is None else size for size, guess in zip(known, guesses, strict=False))
