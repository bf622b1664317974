"""Threads: an unlocked generator behind more than one worker.

A plain generator that two threads enter at once raises "generator already executing",
sometimes, and hands batches out in any order, always. Whether a data set locks it is
tried: its generators are replaced by stand-ins that take their time, two threads ask for
a batch at once, and a stand-in that is entered twice had no lock in front of it.
"""

from __future__ import annotations

import functools
import gc
import threading
import time
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pitfalls.guard.findings import Finding
from pitfalls.guard.stream.streams import is_pydataset

LINGER_SECONDS = 0.03
PATIENCE_SECONDS = 10.0
DEEPEST = 3
FIX = (
    "Pull it behind a lock (with self.lock: next(self.generator)), "
    "or let __getitem__ make its batch from the index."
)


def findings_of(target: Any) -> list[Finding]:
    """Return a finding for each generator that a data set's workers would pull at once."""
    if not is_pydataset(target) or target.workers < 2 or target.use_multiprocessing:
        return []
    return [_finding(target, name) for name in _unlocked(target)]


def _finding(dataset: Any, name: str) -> Finding:
    message = (
        f"{type(dataset).__name__} lets {dataset.workers} workers pull one generator without a lock.\n"
        f"  generator   {name}\n"
        "  costs       'generator already executing' when two meet, and batches in no order when they do not"
    )
    return Finding("not-thread-safe", "inputs", 0, message, FIX)


class Slot(NamedTuple):
    """A place that holds a generator, by a name for people, and how to put something else there."""

    name: str
    generator: Iterator[Any]
    put: Callable[[Any], None]


class StandIn:
    """Stands in for a generator, and notices when it is entered twice."""

    def __init__(self, inner: Any) -> None:
        """Take a generator's place."""
        self.inner, self.busy, self.met = inner, threading.Lock(), False

    def __iter__(self) -> StandIn:
        """Return itself, as generators do."""
        return self

    def __next__(self) -> Any:
        """Return the generator's next batch, slowly."""
        alone = self.busy.acquire(blocking=False)
        if not alone:
            self.met = True
            self.busy.acquire()
        try:
            time.sleep(LINGER_SECONDS)
            return next(self.inner)
        finally:
            self.busy.release()

    def send(self, value: Any) -> Any:
        """Pass a value on to the generator."""
        return self.inner.send(value) if value is not None else next(self)

    def close(self) -> None:
        """Leave the generator open: it is given back."""


def _unlocked(dataset: Any) -> list[str]:
    """Return the names of the generators that two threads entered at once."""
    taken: list[tuple[Slot, StandIn]] = []
    for slot in _slots(dataset):
        taken.append((slot, StandIn(slot.generator)))
        slot.put(taken[-1][1])
    try:
        if taken:
            _ask_twice(dataset)
    finally:
        for slot, _ in taken:
            slot.put(slot.generator)
    return [slot.name for slot, stand_in in taken if stand_in.met]


def _ask_twice(dataset: Any) -> None:
    """Let two threads ask for a batch at the same time."""
    barrier = threading.Barrier(2)

    def ask(index: int) -> None:
        barrier.wait()
        try:
            dataset[index]
        except Exception:
            return

    count = getattr(dataset, "num_batches", None)
    indices = (0, 1 if count is None or count > 1 else 0)
    askers = [threading.Thread(target=ask, args=(index,), daemon=True) for index in indices]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(PATIENCE_SECONDS)


def _slots(dataset: Any) -> Iterator[Slot]:
    """Yield each place that holds a generator: attributes, closures, and globals of ``__getitem__``."""
    yield from _in_attributes(dataset, "self", 0, {id(dataset)})
    method = getattr(type(dataset), "__getitem__", None)
    if isinstance(method, types.FunctionType):
        for name, cell in zip(method.__code__.co_freevars, method.__closure__ or (), strict=True):
            if _pulls_a_generator(cell.cell_contents):
                yield Slot(name, cell.cell_contents, functools.partial(setattr, cell, "cell_contents"))
        for name in method.__code__.co_names:
            if _pulls_a_generator(method.__globals__.get(name)):
                yield _slot_in(method.__globals__, name, name)


def _in_attributes(owner: Any, path: str, depth: int, seen: set[int]) -> Iterator[Slot]:
    """Yield the generators among an object's attributes, and among theirs."""
    attributes = getattr(owner, "__dict__", None)
    if not isinstance(attributes, dict) or depth > DEEPEST:
        return
    for name, value in list(attributes.items()):
        if _pulls_a_generator(value):
            yield _slot_in(attributes, name, f"{path}.{name}")
        elif isinstance(value, (list, dict)) and len(value) <= 64:
            keys = value if isinstance(value, dict) else range(len(value))
            for key in list(keys):
                if _pulls_a_generator(value[key]):
                    yield _slot_in(value, key, f"{path}.{name}[{key!r}]")
        elif _is_object(value) and id(value) not in seen:
            seen.add(id(value))
            yield from _in_attributes(value, f"{path}.{name}", depth + 1, seen)


def _is_object(value: object) -> bool:
    """Tell whether a value is an object with attributes of its own."""
    return hasattr(value, "__dict__") and not isinstance(value, (type, types.ModuleType, types.FunctionType))


def _slot_in(container: Any, key: Any, name: str) -> Slot:
    return Slot(name, container[key], functools.partial(container.__setitem__, key))


def _pulls_a_generator(value: object) -> bool:
    """Tell whether a value is a generator, or a built-in iterator (map, zip, chain) over one."""
    if isinstance(value, types.GeneratorType):
        return True
    if not hasattr(type(value), "__next__") or hasattr(value, "__dict__"):
        return False
    return any(isinstance(inner, types.GeneratorType) for inner in gc.get_referents(value))
