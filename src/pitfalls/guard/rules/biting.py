"""Biting: on which of today's paths a change of a batch's memory reaches the model, and how to fix it.

The words are those of the framework that the program has imported, of the array's own framework
where it is a tensor. What each says was measured; docs/upstream has the programs.
"""

from __future__ import annotations

import sys

import numpy as np

from pitfalls.guard.stream import tensors
from pitfalls.guard.stream.memory import is_aligned

QUEUES = "a queue of references (prefetch threads), PyDataset(workers=2 or more)"
NOT_COPIED = """,
              and fit(generator): TensorFlow does not copy a buffer on a 64-byte boundary"""
COPIED_BY_LUCK = """;
              fit(generator): safe after the first batch, but only by luck. TensorFlow copies
              this buffer because its address is not a multiple of 64."""
COPIED_FOR_ITS_GAPS = """;
              fit(generator): safe after the first batch. TensorFlow copies this array
              because its values do not lie in one piece, in order."""

HELD = "whoever holds a batch while the next one is made: a prefetch thread, a queue, a list"
TORCH_ARRAY = f"""{HELD};
              DataLoader(num_workers=1 or more): a race that breaks few batches, in a worker.
              torch.from_numpy and DataLoader(batch_size=None) share this memory."""
TORCH_TENSOR = f"""{HELD};
              DataLoader(num_workers=1 or more): nearly every batch. A worker that has sent
              a tensor shares its memory with the receiver for good."""

JAX_SHARED = f"""{HELD}, device_put;
              a jitted step that still runs: JAX does not copy a float32 or int32 buffer on a
              64-byte boundary, also with may_alias=False, and jnp.array(copy=True) copies it later"""
JAX_COPIED_BY_LUCK = f"""{HELD};
              a jitted step and device_put: safe, but only by luck. JAX copies this buffer
              because its address is not a multiple of 64."""
JAX_CONVERTED = f"""{HELD};
              a jitted step and device_put: safe. JAX converts this dtype, and so copies it."""
JAX_ARRAY = """every step: this JAX array shares the memory of a NumPy array that is written again.
              device_put does not copy a buffer on a 64-byte boundary, also with may_alias=False."""

TORCH_FIXES = "Make the tensor inside the loop, or yield a copy of it: x.clone()."
JAX_FIXES = (
    "Copy with NumPy before JAX is given the array: jax.device_put(np.copy(x)). "
    "jnp.array(x, copy=True) makes its copy later."
)
FIXES = {tensors.TORCH: TORCH_FIXES, tensors.JAX: JAX_FIXES}
"""What to change where a tensor of a framework is refilled."""

SHARED_BY_JAX = ("float32", "int32")


def paths_that_bite(leaf: object) -> str:
    """Say on which of today's paths a change of this memory reaches the model."""
    kind = tensors.kind_of(leaf)
    if kind is not None:
        return TORCH_TENSOR if kind == tensors.TORCH else JAX_ARRAY
    if not isinstance(leaf, np.ndarray):
        return f"{QUEUES}, tensors over shared memory; fit(generator) on its first batch"
    return {tensors.TORCH: _in_torch, tensors.JAX: _in_jax}.get(framework(), _in_tensorflow)(leaf)


def framework() -> str:
    """Return the framework that this program has imported: its words are for TensorFlow where there is none.

    TensorFlow imports JAX where that is installed, and Keras says itself on what it runs.
    """
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "config"):
        return str(keras.config.backend())
    loaded = [name for name in ("tensorflow", tensors.TORCH, tensors.JAX) if sys.modules.get(name)]
    return loaded[0] if loaded else "tensorflow"


def _in_torch(array: np.ndarray) -> str:
    """PyTorch shares a NumPy array wherever it begins."""
    return TORCH_ARRAY


def _in_jax(array: np.ndarray) -> str:
    """JAX shares an array that begins on a 64-byte boundary and need not be converted."""
    if array.dtype.name not in SHARED_BY_JAX:
        return JAX_CONVERTED
    return JAX_SHARED if is_aligned(array) and array.flags.c_contiguous else JAX_COPIED_BY_LUCK


def _in_tensorflow(array: np.ndarray) -> str:
    """TensorFlow wraps a contiguous array without a copy where it begins on a 64-byte boundary."""
    if not array.flags.c_contiguous:
        return QUEUES + COPIED_FOR_ITS_GAPS
    return QUEUES + (NOT_COPIED if is_aligned(array) else COPIED_BY_LUCK)
