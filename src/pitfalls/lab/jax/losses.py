"""The loss that people write by hand: a mean square, which broadcasts."""

from typing import Any

import jax
import jax.numpy as jnp


def difference(label: Any, prediction: Any) -> jax.Array:
    """Return prediction - label, after NumPy's broadcasting: (b,) and (b, 1) make (b, b)."""
    return jnp.subtract(prediction, label)


def mean_square(label: jax.Array, prediction: jax.Array) -> jax.Array:
    """Return the mean over every element of the squared difference."""
    return jnp.mean(jnp.square(difference(label, prediction)))
