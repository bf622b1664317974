"""Models: one that learns the mean, and two that know it.

Each takes inputs of shape (b, 2). The two Lambdas differ in one line: whether the
mean keeps its last axis. Their functions are registered, so that a saved model
loads with Keras's safe mode on once this module is imported.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras


def dense() -> keras.Model:
    """Return a trainable `Dense(1)`: prediction (b, 1)."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


@keras.saving.register_keras_serializable(package="pitfalls")
def mean_with_axis(inputs_b2: Any) -> Any:
    """Return the mean of each pair, (b, 1)."""
    mean_b = keras.ops.mean(inputs_b2, axis=-1)
    return keras.ops.expand_dims(mean_b, -1)


@keras.saving.register_keras_serializable(package="pitfalls")
def mean_without_axis(inputs_b2: Any) -> Any:
    """Return the mean of each pair, (b,): the last axis is missing."""
    mean_b = keras.ops.mean(inputs_b2, axis=-1)
    return mean_b


def mean_lambda() -> keras.Model:
    """Return a fixed Lambda that computes the mean: prediction (b, 1), as declared."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Lambda(mean_with_axis, output_shape=(1,))(inputs))


def flat_mean_lambda() -> keras.Model:
    """Return the same without the last axis: prediction (b,), and (b, 1) declared."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Lambda(mean_without_axis, output_shape=(1,))(inputs))


@dataclass(frozen=True)
class Kept:
    """A model as a run keeps it."""

    network: keras.Model
    artifact: str = "model.keras"

    def save(self, path: Path) -> None:
        """Write the model into a file, in Keras's own form."""
        self.network.save(path)


def built_afresh(makers: dict[str, Callable[[], keras.Model]]) -> dict[str, keras.Model]:
    """Return a model of each maker; layers are named from nought on, so what is said of them repeats."""
    keras.backend.clear_session(free_memory=False)
    return {name: make() for name, make in makers.items()}


def load(path: str) -> keras.Model:
    """Return a model that a run kept; it is asked without a progress bar."""
    keras.config.disable_interactive_logging()
    return keras.saving.load_model(path)
