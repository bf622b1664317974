"""What a step does first with its batch, in plain JAX and in Keras on it: one copy, and a load."""

import jax
import jax.numpy as jnp
import numpy as np


def copied(inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return a copy of a batch, on which a step then works: it reads the batch itself once.

    XLA would read a shared buffer where it needs it, for the loss and again for the gradient, and the
    buffer may be refilled between: the two would belong to two batches, and no closed form would know.
    Adding nought is a copy only as XLA does not know that it is nought: the barriers hide it.
    """
    nought = jax.lax.optimization_barrier(jnp.float32(0))
    return jax.lax.optimization_barrier((inputs + nought, labels + nought))


def loaded(inputs: jax.Array, load: int) -> jax.Array:
    """Return the largest element of a product of two (load, load) matrices that depend on the inputs.

    It stands for the rest of a larger model: a step that is still running when the next batch is made.
    Nothing is learned from it. At 200 it takes 0.2 to 0.4 ms on one core.
    """
    matrix = np.linspace(-1, 1, load * load, dtype=np.float32).reshape(load, load)
    return jnp.max((matrix + inputs[0, 0]) @ matrix)
