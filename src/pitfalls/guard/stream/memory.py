"""Memory: where an array's values live, who owns them, and on which of today's paths that matters."""

from __future__ import annotations

from typing import Any

import numpy as np

TENSORFLOW_ALIGNMENT_BYTES = 64
QUEUES = "a queue of references (prefetch threads), PyDataset(workers=2 or more)"
NOT_COPIED = """,
              and fit(generator): TensorFlow does not copy a buffer on a 64-byte boundary"""
COPIED_BY_LUCK = """;
              fit(generator): safe after the first batch, but only by luck. TensorFlow copies
              this buffer because its address is not a multiple of 64."""
COPIED_FOR_ITS_GAPS = """;
              fit(generator): safe after the first batch. TensorFlow copies this array
              because its values do not lie in one piece, in order."""


def address_of(array: np.ndarray) -> int:
    """Return the address of an array's first value."""
    return int(array.__array_interface__["data"][0])


def owner_of(array: np.ndarray) -> Any:
    """Return the object at the root of an array's views: an array, a memory map, a buffer."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    while isinstance(owner, memoryview) and owner.obj is not None:
        owner = owner.obj
    return owner


def is_slice(leaf: object) -> bool:
    """Tell whether an array is a part of a larger one."""
    if not isinstance(leaf, np.ndarray):
        return False
    owner = owner_of(leaf)
    return isinstance(owner, np.ndarray) and owner.nbytes > leaf.nbytes


def offset_from_alignment(array: np.ndarray) -> int:
    """Return how many bytes past a 64-byte boundary an array starts."""
    return address_of(array) % TENSORFLOW_ALIGNMENT_BYTES


def describe_memory(leaf: object) -> str:
    """Return address, alignment and owner of an array in one phrase."""
    if not isinstance(leaf, np.ndarray):
        return f"that of a {type(leaf).__name__}, no NumPy array of its own"
    owner = owner_of(leaf)
    is_array = isinstance(owner, np.ndarray)
    whose = f"an array of shape {owner.shape}, {owner.dtype}" if is_array else f"a {type(owner).__name__}"
    offset = offset_from_alignment(leaf)
    return f"{address_of(leaf):#x}, {offset} bytes past a 64-byte boundary, owned by {whose}"


def paths_that_bite(leaf: object) -> str:
    """Say on which of today's paths a change of this memory reaches the model.

    TensorFlow wraps a contiguous array without a copy where it starts on a 64-byte
    boundary, and copies it elsewhere; a queue of references never copies.
    """
    if not isinstance(leaf, np.ndarray):
        return f"{QUEUES}, tensors over shared memory; fit(generator) on its first batch"
    if not leaf.flags.c_contiguous:
        return QUEUES + COPIED_FOR_ITS_GAPS
    return QUEUES + (COPIED_BY_LUCK if offset_from_alignment(leaf) else NOT_COPIED)


def share_memory(a: object, b: object) -> bool:
    """Tell whether two arrays' bounds overlap; quick, and right for arrays of one owner without gaps."""
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and bool(np.may_share_memory(a, b))
