"""Weak: holds a large array only as long as somebody else holds its memory.

Memory that nobody else refers to can be written to by nobody, so it need not be compared;
ten batches of 100 MB would be a gigabyte.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from pitfalls.guard.stream.contents import has_plain_bytes
from pitfalls.guard.stream.memory import address_of, owner_of
from pitfalls.guard.stream.probes import in_memory_order

LARGE_BYTES = 1 << 24


class Weak:
    """An array without its memory; called, it returns the array, or None once the memory is gone."""

    def __init__(self, array: np.ndarray) -> None:
        """Remember where in its owner an array is."""
        owner = owner_of(array)
        self._owner = weakref.ref(owner)
        self._offset = address_of(array) - address_of(owner)
        self._form = array.shape, array.dtype, array.strides

    def __call__(self) -> np.ndarray | None:
        """Return a view of the same values."""
        owner = self._owner()
        flat = None if owner is None else in_memory_order(owner)
        if flat is None:
            return None
        shape, dtype, strides = self._form
        return np.ndarray(shape, dtype, flat.view(np.uint8), self._offset, strides)


def may_be_weak(leaf: Any) -> bool:
    """Tell whether an array is large, and can be found again in its owner."""
    if type(leaf) is not np.ndarray or leaf.nbytes < LARGE_BYTES or not has_plain_bytes(leaf):
        return False
    owner = owner_of(leaf)
    return type(owner) is np.ndarray and not owner.dtype.hasobject and in_memory_order(owner) is not None
