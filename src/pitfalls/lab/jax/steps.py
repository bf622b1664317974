"""The step that people write by hand in JAX: a gradient, RMSprop, and nothing that waits.

A step is compiled once a process for all runs that differ in their seed alone.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from pitfalls.lab.jax.batch import copied, loaded
from pitfalls.lab.jax.losses import mean_square
from pitfalls.lab.jax.models import Answer, Parameters
from pitfalls.lab.labels import with_last_axis

RHO, EPSILON = 0.9, 1e-7
"""As Keras has them; optax and PyTorch have others."""

Rates = tuple[tuple[int, float], ...]


class State(NamedTuple):
    """What a step hands to the next: parameters, their mean squared gradients, its number, and its load's result."""

    parameters: Parameters
    squares: Parameters
    step: jax.Array
    load: jax.Array


def first_state(parameters: Parameters) -> State:
    """Return the state before the first step."""
    squares = {name: jnp.zeros_like(value) for name, value in parameters.items()}
    return State(parameters, squares, jnp.int32(0), jnp.float32(0))


Step = Callable[[State, np.ndarray, np.ndarray], tuple[State, jax.Array]]


@lru_cache
def compiled_step(answer: Answer, rates: Rates, load: int, expands_labels: bool) -> Step:
    """Return the step: it takes a state and a batch, and returns a state and what the recorder wants.

    Args:
        answer: The model's answer to parameters and inputs.
        rates: (first step, learning rate) pairs, from step 0 on.
        load: Side of the matrices that a step multiplies besides.
        expands_labels: Whether labels of shape (b,) get a last axis before the loss.

    Returns:
        The compiled function. Its second result is one row for the recorder, (3 b + 1,): inputs, labels and
        loss, laid flat, as the step saw them.
    """

    def loss_of(parameters: Parameters, inputs: jax.Array, labels: jax.Array) -> jax.Array:
        return mean_square(labels, answer(parameters, inputs))

    def step(state: State, inputs: jax.Array, labels: jax.Array) -> tuple[State, jax.Array]:
        inputs, labels = copied(inputs, labels)
        meant = with_last_axis(labels) if expands_labels else labels
        loss, gradients = jax.value_and_grad(loss_of)(state.parameters, inputs, meant)
        parameters, squares = rmsprop(state, gradients, rate_at(state.step, rates))
        row = jnp.concatenate([inputs.ravel(), labels.ravel(), loss[jnp.newaxis]])
        return State(parameters, squares, state.step + 1, loaded(inputs, load)), row

    return jax.jit(step)


def rate_at(step: jax.Array, rates: Rates) -> jax.Array:
    """Return the learning rate of a step."""
    firsts, values = zip(*rates, strict=True)
    return jnp.array(values)[jnp.searchsorted(jnp.array(firsts), step, side="right") - 1]


def rmsprop(state: State, gradients: Parameters, rate: jax.Array) -> tuple[Parameters, Parameters]:
    """Return parameters and mean squared gradients after one update, as Keras's RMSprop makes it."""
    squares = {
        name: RHO * square + (1 - RHO) * gradients[name] ** 2 for name, square in state.squares.items()
    }
    parameters = {
        name: value - rate * gradients[name] / jnp.sqrt(squares[name] + EPSILON)
        for name, value in state.parameters.items()
    }
    return parameters, squares
