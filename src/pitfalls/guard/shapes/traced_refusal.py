"""Traced refusal: `no_broadcast` on TensorFlow, where shapes may be known only at run time."""

from __future__ import annotations

from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from pitfalls.guard.shapes import private
from pitfalls.guard.shapes.meeting import Meeting, Shape
from pitfalls.guard.shapes.meetings import meetings_of

ASSUMED_ROWS, ASSUMED_LENGTH = 6, 7
Lengths = list[int | None]


class Refusing(Protocol):
    """A loss that refuses some shapes."""

    inner: Any

    def refuse(self, label: Shape, prediction: Shape, *dtypes: Any) -> None:
        """Raise if these shapes would broadcast."""

    def as_compiled(self) -> keras.losses.Loss:
        """Return the inner loss as ``compile`` would take it."""


def computed(loss: Refusing, y_true: Any, y_pred: Any, *sample_weight: Any) -> tf.Tensor:
    """Refuse, or compute the inner loss."""
    labels, predictions = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
    with tf.control_dependencies(_checks(loss, labels, predictions)):
        labels, predictions = tf.identity(labels), tf.identity(predictions)
        compute = loss.as_compiled() if sample_weight else loss.inner
        return compute(labels, predictions, *sample_weight)


def meeting_of(
    inner: keras.losses.Loss, label: Shape, prediction: Shape, *dtypes: tf.DType
) -> Meeting | None:
    """Return how a loss brings these shapes together, or None: also where the loss itself will raise."""
    specs = [tf.TensorSpec(*form) for form in zip((label, prediction), dtypes, strict=True)]
    marked = dict(zip(("labels", "prediction"), specs, strict=True))
    try:
        meetings = meetings_of(lambda labels, prediction: inner(labels, prediction), marked)
    except private.UnknownVersionError:
        raise
    except Exception:
        return None
    return meetings[0] if meetings else None


def _checks(loss: Refusing, labels: tf.Tensor, predictions: tf.Tensor) -> list[tf.Tensor]:
    """Refuse what is known to be wrong, and return the checks to be made at run time."""
    shapes = [tensor.shape for tensor in (labels, predictions)]
    if any(shape.rank is None for shape in shapes):
        return [_at_run_time(loss, labels, predictions)]
    known = all(shape.is_fully_defined() for shape in shapes)
    loss.refuse(*_assumed(*(shape.as_list() for shape in shapes)), labels.dtype, predictions.dtype)
    return [] if known else [_at_run_time(loss, labels, predictions)]


def _at_run_time(loss: Refusing, labels: tf.Tensor, predictions: tf.Tensor) -> tf.Tensor:
    def look(a: np.ndarray, b: np.ndarray) -> np.int32:
        loss.refuse(tuple(map(int, a)), tuple(map(int, b)), labels.dtype, predictions.dtype)
        return np.int32(0)

    return tf.numpy_function(look, [tf.shape(labels), tf.shape(predictions)], tf.int32)


def _assumed(a: Lengths, b: Lengths) -> tuple[Shape, Shape]:
    """Fill in lengths that are not known yet, as if labels and predictions agreed on them."""
    return _filled(a, b), _filled(b, a)


def _filled(own: Lengths, other: Lengths) -> Shape:
    """Take an unknown length from the partner if the ranks agree and it is known there, or guess."""
    partner = other if len(own) == len(other) else [None] * len(own)
    guesses = [ASSUMED_ROWS, *[ASSUMED_LENGTH] * len(own)]
    known = [theirs if size is None else size for size, theirs in zip(own, partner, strict=True)]
    return tuple(guess if size is None else size for size, guess in zip(known, guesses, strict=False))
