"""Memory: where an array's values live, and who owns them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pitfalls.guard.stream import tensors

ALIGNMENT_BYTES = 64


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
    return address_of(array) % ALIGNMENT_BYTES


def is_aligned(array: np.ndarray) -> bool:
    """Tell whether an array starts where TensorFlow and JAX take it without a copy."""
    return offset_from_alignment(array) == 0


def describe_memory(leaf: object) -> str:
    """Return address, alignment and owner of an array in one phrase."""
    if tensors.is_tensor(leaf):
        return _describe_tensor(leaf)
    if not isinstance(leaf, np.ndarray):
        return f"that of a {type(leaf).__name__}, no NumPy array of its own"
    owner = owner_of(leaf)
    is_array = isinstance(owner, np.ndarray)
    whose = f"an array of shape {owner.shape}, {owner.dtype}" if is_array else f"a {type(owner).__name__}"
    offset = offset_from_alignment(leaf)
    return f"{address_of(leaf):#x}, {offset} bytes past a 64-byte boundary, owned by {whose}"


def _describe_tensor(tensor: Any) -> str:
    """Return address, alignment, shape and dtype of a tensor in one phrase."""
    name = "PyTorch tensor" if tensors.kind_of(tensor) == tensors.TORCH else "JAX array"
    what = f"a {name} of shape {tuple(tensor.shape)}, {tensor.dtype}"
    view = tensors.view_of(tensor)
    if view is None:
        return f"that of {what}"
    return f"{address_of(view):#x}, {offset_from_alignment(view)} bytes past a 64-byte boundary, of {what}"


def share_memory(a: object, b: object) -> bool:
    """Tell whether two arrays' or tensors' bounds overlap; quick, and right for those of one owner without gaps."""
    a, b = (tensors.view_of(leaf) if tensors.is_tensor(leaf) else leaf for leaf in (a, b))
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and bool(np.may_share_memory(a, b))


def key_of(leaf: Any) -> int:
    """Return what arrays over the same memory have in common: their owner, or for a slice its address."""
    base = getattr(leaf, "base", None)
    if base is None:
        return id(leaf)
    if type(base) is np.ndarray and base.size == leaf.size:
        return id(base)
    return address_of(leaf) if isinstance(leaf, np.ndarray) else id(leaf)
