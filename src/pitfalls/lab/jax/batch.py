"""What a step does first with its batch, in plain JAX and in Keras on it: one copy, and a load."""

import jax
import jax.numpy as jnp
import numpy as np


def copied(inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return a copy of a batch, on which a step then works: it reads the batch itself once.

    XLA would read a shared buffer where it needs it, for the loss and again for the gradient, and the
    buffer may be refilled between: the two would belong to two batches, and no closed form would know.
    It also undoes a copy, x + 0 or `jnp.copy`, behind `jax.lax.optimization_barrier` too: the barrier is gone
    before operations are fused, and the copy is then made again for each of its readers. A matrix product
    is not, so the copy is the product with an identity, exact in float32.

    Args:
        inputs: (b, 2).
        labels: (b,) or (b, 1).
    """
    row = jnp.concatenate([inputs.ravel(), labels.ravel()])
    thirds = jnp.matmul(row.reshape(-1, 3), np.eye(3, dtype=np.float32), precision=jax.lax.Precision.HIGHEST)
    copy = thirds.ravel()
    return copy[: inputs.size].reshape(inputs.shape), copy[inputs.size :].reshape(labels.shape)


def loaded(inputs: jax.Array, load: int) -> jax.Array:
    """Return the largest element of a product of two (load, load) matrices that depend on the inputs.

    It stands for the rest of a larger model: a step that is still running when the next batch is made.
    Nothing is learned from it. At 200 it takes 0.2 to 0.4 ms on one core.
    """
    matrix = np.linspace(-1, 1, load * load, dtype=np.float32).reshape(load, load)
    return jnp.max((matrix + inputs[0, 0]) @ matrix)
