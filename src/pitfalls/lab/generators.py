"""Generators: how batches are made, and which buffers they own and refill.

Every generator draws pairs of integers uniform on 0..high-1 and labels them with
their mean. They differ in one thing, where the arrays live, and each is written
as a user would write it: the bug is in plain sight.

Shapes: inputs (b, 2); labels (b, 1), or (b,) in `flat_labels`; float64 unless a runtime asks for another
`dtype`: what is not float32 is converted on its way into JAX, and so copied.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from pitfalls.errors import ConfigurationError

BATCHES_A_DRAW = 100

Batch = tuple[np.ndarray, np.ndarray]

BOUNDARY_BYTES = 64
"""The alignment at which TensorFlow and JAX take a NumPy buffer as it is, without a copy."""


def buffer_at(shape: tuple[int, ...], offset_bytes: int, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Return an uninitialised array whose address is `offset_bytes` past a 64-byte boundary.

    `np.empty` leaves the address to malloc, and whether `fit(generator)` copies an
    array depends on it: a "buggy" run would be a lottery.

    Args:
        shape: Shape of the array.
        offset_bytes: Distance from the boundary, 0 to 63, a multiple of 4. A float64 array whose
            offset is no multiple of 8 is one that NumPy calls unaligned, and works.
        dtype: Of its elements, float64 or float32.

    Raises:
        ConfigurationError: The offset is out of range.
    """
    if not 0 <= offset_bytes < BOUNDARY_BYTES or offset_bytes % 4:
        raise ConfigurationError(
            f"a buffer cannot stand {offset_bytes} bytes off a {BOUNDARY_BYTES}-byte boundary.\n"
            f"Give an offset from 0 to {BOUNDARY_BYTES - 4} in steps of 4, for example 16."
        )
    size_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size_bytes + 2 * BOUNDARY_BYTES, np.uint8)
    start = -memory.ctypes.data % BOUNDARY_BYTES + offset_bytes
    buffer = memory[start : start + size_bytes].view(dtype).reshape(shape)
    assert address_offset_bytes(buffer) == offset_bytes
    return buffer


def address_offset_bytes(array: np.ndarray) -> int:
    """Return the address of an array modulo 64 bytes."""
    return array.ctypes.data % BOUNDARY_BYTES


def pairs(rng: np.random.Generator, high: int, batch_size: int) -> Iterator[np.ndarray]:
    """Draw (b, 2) integers uniform on 0..high-1 for each batch; a vectorised draw serves many batches."""
    while True:
        yield from rng.integers(0, high, size=(BATCHES_A_DRAW, batch_size, 2))


def mean(inputs_b2: np.ndarray) -> np.ndarray:
    """Return the mean of each pair, (b,)."""
    return (inputs_b2[:, 0] + inputs_b2[:, 1]) / 2


def reused_inputs(
    rng: np.random.Generator,
    high: int,
    batch_size: int,
    inputs_offset_bytes: int,
    dtype: DTypeLike = "float64",
) -> Iterator[Batch]:
    """Yield one inputs buffer again and again, refilled; labels are fresh."""
    inputs = buffer_at((batch_size, 2), inputs_offset_bytes, dtype)
    for drawn in pairs(rng, high, batch_size):
        inputs[...] = drawn
        yield inputs, mean(inputs)[:, np.newaxis]


def reused_pair(
    rng: np.random.Generator,
    high: int,
    batch_size: int,
    inputs_offset_bytes: int,
    labels_offset_bytes: int,
    dtype: DTypeLike = "float64",
) -> Iterator[Batch]:
    """Yield one inputs buffer and one labels buffer again and again, both refilled."""
    inputs = buffer_at((batch_size, 2), inputs_offset_bytes, dtype)
    means = buffer_at((batch_size,), labels_offset_bytes, dtype)
    for drawn in pairs(rng, high, batch_size):
        inputs[...] = drawn
        means[...] = mean(inputs)
        yield inputs, means[:, np.newaxis]


def fresh_arrays(
    rng: np.random.Generator, high: int, batch_size: int, dtype: DTypeLike = "float64"
) -> Iterator[Batch]:
    """Yield arrays that were allocated for this batch."""
    for drawn in pairs(rng, high, batch_size):
        inputs = drawn.astype(dtype)
        yield inputs, mean(inputs)[:, np.newaxis]


def copied_inputs(
    rng: np.random.Generator,
    high: int,
    batch_size: int,
    inputs_offset_bytes: int,
    dtype: DTypeLike = "float64",
) -> Iterator[Batch]:
    """Refill one inputs buffer, and yield a copy of it."""
    inputs = buffer_at((batch_size, 2), inputs_offset_bytes, dtype)
    for drawn in pairs(rng, high, batch_size):
        inputs[...] = drawn
        yield np.copy(inputs), mean(inputs)[:, np.newaxis]


def flat_labels(
    rng: np.random.Generator, high: int, batch_size: int, dtype: DTypeLike = "float64"
) -> Iterator[Batch]:
    """Yield fresh arrays whose labels lack their last axis: (b,)."""
    for drawn in pairs(rng, high, batch_size):
        inputs = drawn.astype(dtype)
        yield inputs, mean(inputs)


def samples(rng: np.random.Generator, high: int, batch_size: int) -> Iterator[np.ndarray]:
    """Draw (2,) integers uniform on 0..high-1, one sample at a time."""
    for drawn in pairs(rng, high, batch_size):
        yield from drawn


def refilled_sample(
    rng: np.random.Generator, high: int, batch_size: int, dtype: DTypeLike = "float64"
) -> Iterator[Batch]:
    """Yield one sample's inputs again and again, refilled; its label is fresh: (2,) and (1,)."""
    inputs = np.empty(2, dtype)
    for drawn in samples(rng, high, batch_size):
        inputs[...] = drawn
        yield inputs, mean(inputs[np.newaxis])


def fresh_samples(
    rng: np.random.Generator, high: int, batch_size: int, dtype: DTypeLike = "float64"
) -> Iterator[Batch]:
    """Yield samples whose inputs were allocated for them: (2,) and (1,)."""
    for drawn in samples(rng, high, batch_size):
        inputs = np.empty(2, dtype)
        inputs[...] = drawn
        yield inputs, mean(inputs[np.newaxis])
