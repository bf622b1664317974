"""Copying: a batch that shares no memory with the one it was made from."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from pitfalls.guard.stream.batches import BUFFERS


def copied_batch(node: Any) -> Any:
    """Return a batch of the same structure, types and values in memory of its own.

    Tensors and single values are passed on as they are: nobody refills them.
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
    return node
