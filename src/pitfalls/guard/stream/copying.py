"""Copying: a batch that shares no memory with the one it was made from."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from pitfalls.guard.stream.batches import BUFFERS, is_readable
from pitfalls.guard.stream.tensors import JAX, kind_of


def copied_batch(node: Any) -> Any:
    """Return a batch of the same structure, types and values in memory of its own.

    A tensor may be a view of memory that somebody refills, so it is copied too; single values are passed on.
    """
    if isinstance(node, np.ndarray):
        return copy.deepcopy(node) if node.dtype.hasobject else node.copy(order="K")
    if isinstance(node, BUFFERS):
        return memoryview(bytes(node)) if isinstance(node, memoryview) else node[:]
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        return type(node)(*(copied_batch(part) for part in node))
    if type(node) in (tuple, list):
        return type(node)(copied_batch(part) for part in node)
    if type(node) is dict:
        return {key: copied_batch(part) for key, part in node.items()}
    if isinstance(node, (Mapping, tuple, list)):
        return copy.deepcopy(node)
    return copied_tensor(node) if is_readable(node) else node


def copied_tensor(tensor: Any) -> Any:
    """Return a tensor of the same framework over memory of its own.

    TensorFlow's and JAX's own copies may go on sharing memory or be made later (`tf.identity`, `jnp.array`),
    so NumPy copies first, at once, and that copy is handed to nobody else.
    """
    if kind_of(tensor) == JAX:  # it has a method `clone` too, which shares memory
        return sys.modules["jax"].numpy.asarray(np.array(tensor))
    if callable(getattr(tensor, "clone", None)):  # PyTorch
        return tensor.clone()
    if type(tensor).__module__.split(".")[0] == "tensorflow":
        return sys.modules["tensorflow"].convert_to_tensor(np.array(tensor))
    return copy.deepcopy(tensor)
