"""Models in plain JAX: one that learns the mean, and two that know it.

Each takes inputs of shape (b, 2). The two fixed ones differ in one line: whether the
mean keeps its last axis. A model is its answer, a function of parameters and inputs, and its
parameters; it is kept as arrays, with the code of its answer to read beside them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from pitfalls.lab import archive

Parameters = dict[str, jax.Array]
Answer = Callable[[Parameters, jax.Array], jax.Array]


@dataclass(frozen=True)
class Model:
    """A model: what it answers, what it has learned, and the shape that its author says it returns."""

    answer: Answer
    parameters: Parameters
    declared_output: tuple[int | None, ...] = (None, 1)
    artifact: str = "model.npz"

    def __call__(self, inputs_b2: np.ndarray) -> np.ndarray:
        """Return what the model answers."""
        return np.asarray(self.answer(self.parameters, jnp.asarray(inputs_b2, jnp.float32)))

    def save(self, path: Path) -> None:
        """Write the parameters into a file, with the name and the code of what they are for."""
        archive.save(path, self.answer, self.parameters)


def line(parameters: Parameters, inputs_b2: jax.Array) -> jax.Array:
    """Return a line through the two inputs, (b, 1)."""
    return inputs_b2 @ parameters["kernel"] + parameters["bias"]


def mean_with_axis(parameters: Parameters, inputs_b2: jax.Array) -> jax.Array:
    """Return the mean of each pair, (b, 1)."""
    mean_b = jnp.mean(inputs_b2, axis=-1)
    return mean_b[:, jnp.newaxis]


def mean_without_axis(parameters: Parameters, inputs_b2: jax.Array) -> jax.Array:
    """Return the mean of each pair, (b,): the last axis is missing."""
    mean_b = jnp.mean(inputs_b2, axis=-1)
    return mean_b


ANSWERS: dict[str, Answer] = {answer.__name__: answer for answer in (line, mean_with_axis, mean_without_axis)}
"""What a kept model may answer with: nothing in a file is run."""


def dense(seed: int) -> Model:
    """Return a trainable line that starts as Keras's `Dense(1)` does: weights Glorot uniform, bias 0."""
    kernel = jax.nn.initializers.glorot_uniform()(jax.random.key(seed), (2, 1))
    return Model(line, {"kernel": kernel, "bias": jnp.zeros(1)})


def mean_lambda(seed: int) -> Model:
    """Return a fixed model that computes the mean: prediction (b, 1), as declared."""
    return Model(mean_with_axis, {})


def flat_mean_lambda(seed: int) -> Model:
    """Return the same without the last axis: prediction (b,), and (b, 1) declared."""
    return Model(mean_without_axis, {})


def load(path: str) -> Model:
    """Return a model that a run kept.

    Raises:
        ValueError: The file asks for an answer that this module does not have, or holds pickled objects.
    """
    name, arrays = archive.load(path, ANSWERS)
    return Model(ANSWERS[name], {key: jnp.asarray(array) for key, array in arrays.items()})
