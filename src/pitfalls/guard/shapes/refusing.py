"""Refusing: stops a broadcast before it trains anything.

``ShapeGuard`` looks once, at the first batch that ``fit`` is really given. ``aligned``
makes a loss look whenever it is traced, and at run time where a shape is not known before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from pitfalls.guard.findings import BroadcastLossError, GuardError
from pitfalls.guard.shapes.models import check_model, refusal_message
from pitfalls.guard.shapes.tracing import meetings_of

ASSUMED_ROWS, ASSUMED_LENGTH = 6, 7


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
        model, step = self.model, self.model.train_function

        def first_step(iterator: Any) -> Any:
            model.train_function = step
            batch = next(iterator)
            self.look(model, batch)
            return step(itertools.chain([batch], iterator))

        model.train_function = first_step

    def look(self, model: Any, batch: Any) -> None:
        """Raise if a batch would broadcast in a model's loss or metrics."""
        strategy = model.distribute_strategy
        local = tree.map_structure(lambda value: _first_replica(strategy, value), batch)
        try:
            report = check_model(model, _without_optionals(local), allow=self.allow)
        except GuardError:
            return
        bites = [finding for finding in report if finding.rule == "broadcast-loss" and not finding.repaired]
        if bites:
            raise BroadcastLossError("\n\n".join(finding.text for finding in bites))


def _first_replica(strategy: Any, value: Any) -> Any:
    return strategy.experimental_local_results(value)[0]


def _without_optionals(batch: Any) -> Any:
    """Replace TensorFlow's empty optionals by None, as Keras does."""
    none = tf.experimental.Optional
    return (
        tuple(None if isinstance(part, none) else part for part in batch)
        if isinstance(batch, tuple)
        else batch
    )


def aligned(loss: Any) -> keras.losses.Loss:
    """Return a loss that computes what the given one does, and refuses to broadcast.

    Args:
        loss: The name of a Keras loss, a function, or a ``Loss``.

    Returns:
        A ``Loss`` for ``compile``; called with two arguments it returns what the given loss does.
    """
    return AlignedLoss(keras.losses.get(loss))


class AlignedLoss(keras.losses.Loss):
    """A loss behind a check of shapes; Keras hands it labels and predictions before any repair."""

    def __init__(self, inner: Any) -> None:
        """Stand in front of a function or a loss."""
        if not callable(inner):
            raise TypeError(
                f"A loss is a name, a function or a keras.losses.Loss; this is a {type(inner).__name__}."
            )
        super().__init__(name=getattr(inner, "name", None) or getattr(inner, "__name__", None))
        self.inner = inner
        self._answers: dict[Any, str | None] = {}

    def __call__(self, y_true: Any, y_pred: Any, *sample_weight: Any) -> Any:
        """Refuse, or compute the inner loss."""
        labels, predictions = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        with tf.control_dependencies(self._checks(labels, predictions)):
            labels, predictions = tf.identity(labels), tf.identity(predictions)
            if isinstance(self.inner, keras.losses.Loss):
                return self.inner(labels, predictions, *sample_weight)
            if not sample_weight:
                return self.inner(labels, predictions)
            return _wrapped(self.inner)(labels, predictions, *sample_weight)

    def _checks(self, labels: Any, predictions: Any) -> list[Any]:
        """Refuse what is known to be wrong, and return the checks to be made at run time."""
        shapes = [tensor.shape for tensor in (labels, predictions)]
        if any(shape.rank is None for shape in shapes):
            return [self._at_run_time(labels, predictions)]
        known = all(shape.is_fully_defined() for shape in shapes)
        self.refuse(*_assumed(*(shape.as_list() for shape in shapes)), labels.dtype, predictions.dtype)
        return [] if known else [self._at_run_time(labels, predictions)]

    def _at_run_time(self, labels: Any, predictions: Any) -> Any:
        def look(a: Any, b: Any) -> Any:
            self.refuse(tuple(map(int, a)), tuple(map(int, b)), labels.dtype, predictions.dtype)
            return np.int32(0)

        return tf.numpy_function(look, [tf.shape(labels), tf.shape(predictions)], tf.int32)

    def refuse(self, label: tuple[int, ...], prediction: tuple[int, ...], *dtypes: Any) -> None:
        """Raise ``BroadcastLossError`` if these shapes would broadcast, or would but for a repair."""
        key = (label, prediction, dtypes)
        if key not in self._answers:
            self._answers[key] = self._answer(label, prediction, *dtypes)
        answer = self._answers[key]
        if answer:
            raise BroadcastLossError(answer)

    def _answer(self, label: tuple[int, ...], prediction: tuple[int, ...], *dtypes: Any) -> str | None:
        inner = self.inner if isinstance(self.inner, keras.losses.Loss) else _wrapped(self.inner)
        marked = {
            "labels": tf.TensorSpec(label, dtypes[0]),
            "prediction": tf.TensorSpec(prediction, dtypes[1]),
        }
        try:
            meetings = meetings_of(lambda labels, prediction: inner(labels, prediction), marked)
        except Exception:
            return None
        return refusal_message(meetings[0]) if meetings else None

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the loss again."""
        return {"inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AlignedLoss:
        """Build the loss again."""
        return cls(keras.saving.deserialize_keras_object(config["inner"]))


def _wrapped(function: Callable[..., Any]) -> Any:
    """Return a function as ``compile`` wraps it, with Keras's repair in front."""
    from keras.src.losses.losses import LossFunctionWrapper

    return LossFunctionWrapper(function, name=getattr(function, "__name__", "loss"))


def _assumed(a: list[int | None], b: list[int | None]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Fill in lengths that are not known yet, as if labels and predictions agreed on them."""

    def filled(own: list[int | None], other: list[int | None]) -> tuple[int, ...]:
        guesses = [ASSUMED_ROWS, *[ASSUMED_LENGTH] * len(own)]
        partner = [*other, *[None] * len(own)] if len(own) == len(other) else [None] * len(own)
        return tuple(
            size if size is not None else partner[i] if partner[i] is not None else guesses[i]  # type: ignore[misc]
            for i, size in enumerate(own)
        )

    return filled(a, b), filled(b, a)
