"""Streams: turns whatever a user calls a source of batches into one iterator.

A framework's object is recognised by looking among the modules already loaded:
whoever holds a PyDataset has imported Keras, so nothing is imported here.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pitfalls.guard.findings import GuardError

PASSES = 2


def is_pydataset(target: object) -> bool:
    """Tell whether an object is a ``keras.utils.PyDataset``, without importing Keras."""
    return _is_a(target, "keras", "utils", "PyDataset")


def is_tf_dataset(target: object) -> bool:
    """Tell whether an object is a ``tf.data.Dataset``, without importing TensorFlow."""
    return _is_a(target, "tensorflow", "data", "Dataset")


def is_torch_loader(target: object) -> bool:
    """Tell whether an object is a ``torch.utils.data.DataLoader``, without importing PyTorch."""
    return _is_a(target, "torch", "utils", "data", "DataLoader")


def is_torch_dataset(target: object) -> bool:
    """Tell whether an object is a ``torch.utils.data.Dataset``, without importing PyTorch."""
    return _is_a(target, "torch", "utils", "data", "Dataset")


def is_iterable_dataset(target: object) -> bool:
    """Tell whether an object is a ``torch.utils.data.IterableDataset``, without importing PyTorch."""
    return _is_a(target, "torch", "utils", "data", "IterableDataset")


def is_model(target: object) -> bool:
    """Tell whether an object is a ``keras.Model``, without importing Keras."""
    return _is_a(target, "keras", "Model")


def _is_a(target: object, module: str, *names: str) -> bool:
    """Tell whether an object is of a class of a module, if that module is loaded at all."""
    kind: Any = sys.modules.get(module)
    for name in names:
        kind = getattr(kind, name, None)
    return isinstance(kind, type) and isinstance(target, kind)


def stream_of(target: Any, limit: int) -> Iterator[Any]:
    """Return an iterator over a target's batches.

    Of a data set with more than ``limit`` batches the first ones and the last ones are read in each epoch.

    What can be iterated again (a list, a data set) is, once, after its first pass:
    a shuffle in place between two epochs is seen on the batches of the first.

    Raises:
        GuardError: The target is no source of batches.
    """
    if is_pydataset(target):
        return _pydataset_batches(target, limit)
    _refuse(target)
    if not hasattr(target, "__iter__") and not hasattr(target, "__next__") and hasattr(target, "__len__"):
        return _indexed_batches(target)
    if not hasattr(target, "__iter__") and hasattr(target, "__next__"):
        return _pulled(target)
    iterator = iter(target)
    return iterator if iterator is target else _passes(target, iterator)


def _pulled(iterator: Any) -> Iterator[Any]:
    """Yield from what has a ``__next__`` but no ``__iter__``, as hand-written loaders do."""
    while True:
        try:
            batch = next(iterator)
        except StopIteration:
            return
        yield batch


def _passes(target: Any, first: Iterator[Any]) -> Iterator[Any]:
    yield from _pulled(first)
    for _ in range(PASSES - 1):
        yield from _pulled(iter(target))


def _pydataset_batches(dataset: Any, limit: int) -> Iterator[Any]:
    """Yield batches as Keras asks for them, with the calls between epochs."""
    count = getattr(dataset, "num_batches", None)
    for _ in range(PASSES):
        dataset.on_epoch_begin()
        for index in itertools.count() if count is None else _both_ends(count, limit // PASSES):
            yield dataset[index]
        dataset.on_epoch_end()


def _both_ends(count: int, limit: int) -> Sequence[int]:
    """Return the indices of an epoch, less the middle where there are more than the limit."""
    if count <= limit:
        return range(count)
    return [*range(limit // 2), *range(count - limit // 2, count)]


def _indexed_batches(target: Any) -> Iterator[Any]:
    """Yield what an object with ``__getitem__`` holds, as many as it says it has."""
    for index in range(len(target)):
        try:
            batch = target[index]
        except IndexError:
            return
        yield batch


def _refuse(target: object) -> None:
    """Raise where iterating would make no sense, saying what the target is instead."""
    if inspect.isgeneratorfunction(target):
        raise GuardError(f"{target.__name__} is a generator function: call it, and check what it returns.")
    if isinstance(target, (types.AsyncGeneratorType, types.CoroutineType)) or inspect.isasyncgen(target):
        raise GuardError(f"This is {_a(target)}: only synchronous generators of batches can be checked.")
    if isinstance(target, np.ndarray) or hasattr(target, "__array__"):
        shape = getattr(target, "shape", ())
        raise GuardError(
            f"This is {_a(target)} of shape {shape}: the data itself, not batches of it.\n"
            "Name the generator, the data set or the function that makes batches."
        )
    if isinstance(target, tuple) and target and all(hasattr(part, "__array__") for part in target):
        raise GuardError(
            "This is a tuple of arrays: one batch, or the data itself, and no generator of batches."
        )
    if isinstance(target, (tuple, list)) and any(hasattr(part, "__next__") for part in target):
        raise GuardError(
            f"This is {_a(target)} of {len(target)} generators: check one, --call 'NAME(...)[0]'."
        )
    methods = ("__iter__", "__next__", "__getitem__")
    is_source = any(hasattr(target, method) for method in methods)
    if isinstance(target, (str, bytes, Mapping, type)) or not is_source:
        raise GuardError(f"This is {_a(target)}, and no generator of batches.")


def _a(target: object) -> str:
    """Return a type's name with its article."""
    name = "class " + target.__name__ if isinstance(target, type) else type(target).__name__
    return f"{'an' if name[0].lower() in 'aeiou' or name == 'ndarray' else 'a'} {name}"
