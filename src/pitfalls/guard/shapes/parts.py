"""Parts: a batch as Keras reads it, as inputs, labels and sample weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import tree

from pitfalls.guard.findings import GuardError
from pitfalls.guard.stream.batches import PARTS

Parts = tuple[Any, ...]

NO_LABELS = "Losses: the batch has no labels."
ADDED_LOSS = "A loss that a layer computes and adds (add_loss)."
ONE_ROW = "A batch of one row: it was doubled, as a broadcast of one row cannot be seen."


def unpacked(batch: Any) -> Parts:
    """Return inputs, labels and sample weights, as far as a batch has them."""
    if isinstance(batch, list) and len(batch) in (2, 3):
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        batch = (batch,)
    if not 1 <= len(batch) <= len(PARTS):
        raise GuardError(
            f"A batch is (inputs, labels) or (inputs, labels, sample_weight); this has {len(batch)} parts."
        )
    while len(batch) > 1 and batch[-1] is None:
        batch = batch[:-1]
    return tuple(tree.map_structure(_array, part) for part in batch)


def has_one_row(parts: Parts) -> bool:
    """Tell whether a batch has one row only: a broadcast of one row cannot be seen."""
    rows = {leaf.shape[0] for leaf in tree.flatten(parts) if leaf is not None and leaf.ndim}
    return rows == {1}


def doubled(parts: Parts) -> Parts:
    """Return a batch with each row twice."""
    return tree.map_structure(_doubled, parts)


def _array(leaf: Any) -> np.ndarray | None:
    """Return a leaf as an array of the dtype that Keras would see; None stays None."""
    if leaf is None:
        return None
    array = np.asarray(leaf)
    is_long_float = array.dtype.kind == "f" and array.dtype.itemsize > 4
    return array.astype("float32") if is_long_float else array


def _doubled(leaf: np.ndarray | None) -> np.ndarray | None:
    return leaf if leaf is None or not leaf.ndim else np.repeat(leaf, 2, axis=0)


def added_losses(model: Any) -> list[str]:
    """Say that a loss which a layer or the model itself adds is not looked into."""
    names = [
        getattr(getattr(type(layer).call, "__code__", None), "co_names", ()) for layer in _layers_of(model)
    ]
    return [ADDED_LOSS] if any("add_loss" in known for known in names) else []


def _layers_of(layer: Any) -> Iterator[Any]:
    """Yield a model and its layers, those of models inside it included."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _layers_of(inner)
