"""Losses: a mean square that Keras repairs first, and one that broadcasts."""

from collections.abc import Callable

import keras


def aligned() -> keras.losses.Loss:
    """Return Keras's own mean square: it gives labels and predictions the same rank first."""
    return keras.losses.MeanSquaredError()


@keras.saving.register_keras_serializable(package="pitfalls")
class UnalignedMeanSquare(keras.losses.Loss):
    """The mean over every element of (prediction - label)**2, after NumPy's broadcasting.

    Keras repairs ranks in front of its own losses and of plain functions, and leaves
    a `Loss` subclass alone: labels (b, 1) and predictions (b,) make b*b errors here.
    """

    def call(self, y_true, y_pred):  # type: ignore[no-untyped-def]  # Keras's own signature
        """Return the squared difference of labels and predictions, unreduced."""
        return keras.ops.square(y_pred - y_true)


def unaligned() -> keras.losses.Loss:
    """Return the plain mean square, as written by hand and as Keras 2.2 had it."""
    return UnalignedMeanSquare(name="unaligned_mean_square")


def difference_shape(loss: keras.losses.Loss, label: object, prediction: object) -> list[int]:
    """Return the shape of the difference that a loss really computes, after any repair.

    `MeanSquaredError.call` repairs ranks and then calls its `fn`, which sees the
    shapes after it; a `Loss` subclass computes on what it is given.

    Args:
        loss: One of this module's losses.
        label: Labels of one batch, as the model was given them.
        prediction: The model's prediction for the batch.
    """
    seen: list[list[int]] = []

    def spy(original: Callable) -> Callable:
        def look(y_true, y_pred, **arguments):  # type: ignore[no-untyped-def]
            seen.append(list((y_pred - y_true).shape))
            return original(y_true, y_pred, **arguments)

        return look

    name = "fn" if hasattr(loss, "fn") else "call"
    original = getattr(loss, name)
    setattr(loss, name, spy(original))
    try:
        loss(label, prediction)
    finally:
        setattr(loss, name, original)
    return seen[0]
