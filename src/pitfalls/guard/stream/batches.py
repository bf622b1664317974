"""Batches: names every array in whatever a generator yields.

A batch is a tree of tuples, lists, mappings and dataclasses. Its leaves are
arrays (anything NumPy can read without a copy of its own making), plain lists of
numbers, and single values. Nothing here imports a framework: a tensor is known by
the protocol it follows.
"""

from __future__ import annotations

import array
import ctypes
import dataclasses
import numbers
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pitfalls.guard.stream import tensors

PARTS = ("inputs", "labels", "sample_weight")
SCALARS = (numbers.Number, str, bytes, bool, np.generic, type(None))
BUFFERS = (bytearray, memoryview, array.array, ctypes.Array)
SEQUENCES = (list, tuple, deque)
SPARSE_ARRAYS = ("data", "indices", "indptr", "row", "col", "values")
DEEPEST = 32
FRAMEWORKS = ("tensorflow", "torch", "jax", "jaxlib", "pandas", "xarray")


def named_leaves(batch: Any) -> list[tuple[str, Any]]:
    """Return every leaf of a batch with its path.

    A tuple or list of one, two or three parts is read as Keras reads it: inputs,
    labels, sample weights. Anything else is all inputs.
    """
    if type(batch) in (tuple, list) and len(batch) == 2 and is_array(batch[0]) and is_array(batch[1]):
        return [("inputs", batch[0]), ("labels", batch[1])]
    if isinstance(batch, SEQUENCES) and 1 <= len(batch) <= len(PARTS) and _has_parts(batch):
        pairs = zip(PARTS, tuple(batch), strict=False)
        return [leaf for name, part in pairs for leaf in _leaves(name, part, 0)]
    return list(_leaves("inputs", batch, 0))


def _has_parts(batch: Any) -> bool:
    """Tell whether a sequence is a batch of parts, not one plain list: a tuple of plain lists has parts."""
    of_lists = isinstance(batch, tuple) and all(isinstance(part, (list, deque)) for part in batch)
    return of_lists or not is_plain_list(batch)


def _leaves(path: str, node: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the leaves below a node; a tree deeper than any real batch is a cycle, and cut."""
    children = None if depth > DEEPEST else _children(node)
    if children is None:
        yield path, node
        return
    for suffix, child in children:
        yield from _leaves(path + suffix, child, depth + 1)


def _children(node: Any) -> list[tuple[str, Any]] | None:
    """Return a container's entries with the suffixes of their paths, or None for a leaf."""
    if isinstance(node, (np.ndarray, *SCALARS)) or tensors.is_tensor(node):
        return None
    if isinstance(node, Mapping):
        return [(f"[{key!r}]", node[key]) for key in list(node)]
    if isinstance(node, SEQUENCES):
        return None if is_plain_list(node) else [(f"[{i}]", child) for i, child in enumerate(tuple(node))]
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return [(f".{item.name}", getattr(node, item.name)) for item in dataclasses.fields(node)]
    if not is_readable(node):
        parts = [(f".{name}", getattr(node, name, None)) for name in SPARSE_ARRAYS]
        arrays = [(suffix, part) for suffix, part in parts if is_readable(part)]
        return arrays or _attributes(node) or None
    return None


def _attributes(node: Any) -> list[tuple[str, Any]]:
    """Return the attributes of an object that are arrays, or hold some: a batch of somebody's own class."""
    if isinstance(node, (type, types.ModuleType)) or callable(node):
        return []
    slots = [name for kind in type(node).__mro__ for name in getattr(kind, "__slots__", ())]
    names = [*getattr(node, "__dict__", {}), *slots]
    values = [(f".{name}", getattr(node, name, None)) for name in names]
    return [(suffix, value) for suffix, value in values if is_readable(value) or _holds_arrays(value)]


def _holds_arrays(value: Any) -> bool:
    """Tell whether a container holds an array directly."""
    children = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, (Mapping, *SEQUENCES)) and any(is_readable(child) for child in list(children))


def is_plain_list(node: object) -> bool:
    """Tell whether a list, however nested, holds nothing but numbers, strings and None."""
    if not isinstance(node, SEQUENCES) or (isinstance(node, tuple) and not node):
        return False
    return all(_is_plain(child, 0) for child in tuple(node))


def _is_plain(node: object, depth: int) -> bool:
    """Tell whether nothing but single values lies below a node."""
    if isinstance(node, SCALARS):
        return True
    return (
        isinstance(node, SEQUENCES) and depth < DEEPEST and all(_is_plain(c, depth + 1) for c in tuple(node))
    )


def is_array(leaf: object) -> bool:
    """Tell whether a leaf is a NumPy array, a PyTorch tensor or a JAX array."""
    return type(leaf) is np.ndarray or tensors.is_tensor(leaf)


def is_readable(leaf: object) -> bool:
    """Tell whether NumPy can read a leaf's values."""
    if isinstance(leaf, (np.ndarray, *BUFFERS)):
        return True
    return (hasattr(leaf, "__array__") or hasattr(leaf, "__array_interface__")) and not isinstance(leaf, type)


def is_tuple_of_arrays(batch: Any) -> bool:
    """Tell whether a batch is an array, or a tuple of nothing but arrays: no part of it can be replaced."""
    return type(batch) is np.ndarray or (
        type(batch) is tuple and all(type(part) is np.ndarray for part in batch)
    )


def draws_anew(leaf: Any) -> bool:
    """Tell whether an object of somebody's own class makes other values each time that it is read.

    An image that is augmented whenever it is asked for its values is such an object.
    """
    if not isinstance(getattr(type(leaf), "__array__", None), types.FunctionType):
        return False
    if type(leaf).__module__.split(".")[0] in FRAMEWORKS:
        return False
    try:
        first, second = np.array(leaf), np.array(leaf)
    except Exception:
        return False
    return first.shape != second.shape or first.tobytes() != second.tobytes()


def read(leaf: Any) -> np.ndarray:
    """Return a leaf's values now; an array is returned itself, a list is copied.

    Of a PyTorch tensor or a JAX array the memory itself is returned, for use at once.
    A buffer is copied too: holding a view of a bytearray would forbid its owner to resize it.
    """
    if isinstance(leaf, np.ndarray):
        return leaf
    if tensors.is_tensor(leaf):
        return tensors.array_of(leaf)
    if isinstance(leaf, BUFFERS):
        return np.array(memoryview(leaf))
    if isinstance(leaf, SEQUENCES):
        return np.array([_as_tuple(child) for child in tuple(leaf)], dtype=object)
    return np.array(leaf)


def _as_tuple(node: object) -> object:
    """Return nested lists as nested tuples."""
    return tuple(_as_tuple(child) for child in tuple(node)) if isinstance(node, SEQUENCES) else node
