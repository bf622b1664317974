"""Losses: a mean square that Keras repairs first, and one that broadcasts."""

from collections.abc import Callable

import keras

from pitfalls.lab.keras import private


def repairing() -> keras.losses.Loss:
    """Return Keras's own mean square: it gives labels and predictions the same rank first."""
    return keras.losses.MeanSquaredError()


@keras.saving.register_keras_serializable(package="pitfalls", name="UnalignedMeanSquare")
class BroadcastingMeanSquare(keras.losses.Loss):
    """The mean over every element of (prediction - label)**2, after NumPy's broadcasting.

    Keras repairs ranks in front of its own losses and of plain functions, and leaves
    a `Loss` subclass alone: labels (b, 1) and predictions (b,) make b*b errors here.
    """

    def call(self, y_true, y_pred):  # type: ignore[no-untyped-def]  # Keras's own signature
        """Return the squared difference of labels and predictions, unreduced."""
        return keras.ops.square(y_pred - y_true)


def broadcasting() -> keras.losses.Loss:
    """Return the plain mean square, as written by hand and as Keras 2.2 had it."""
    return BroadcastingMeanSquare(name="broadcasting_mean_square")


LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {"repairing": repairing, "broadcasting": broadcasting}
"""The losses by the `kind` of conf/loss."""


def difference_shape(loss: keras.losses.Loss, label: object, prediction: object) -> tuple[int, ...]:
    """Return the shape of the difference that a loss really computes, after any repair.

    Args:
        loss: One of this module's losses.
        label: Labels of one batch, as the model was given them.
        prediction: The model's prediction for the batch.
    """
    shapes: list[tuple[int, ...]] = []

    def spy(original: Callable) -> Callable:
        def look(y_true, y_pred, **arguments):  # type: ignore[no-untyped-def]
            shapes.append(tuple((y_pred - y_true).shape))
            return original(y_true, y_pred, **arguments)

        return look

    name = private.innermost_of(loss)
    original = getattr(loss, name)
    setattr(loss, name, spy(original))
    try:
        loss(label, prediction)
    finally:
        setattr(loss, name, original)
    return shapes[0]
