"""Loaders: a DataLoader or a data set of PyTorch that is watched, and stays what it is.

What is watched keeps its class and its attributes: it is an object of a class that is made from its
own. A loader's workers get the watched data set too, so that an error is raised where the sample
was written, and PyTorch brings it to the training process.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from pitfalls.guard.rules.aliasing import DEFAULT_DEPTH
from pitfalls.guard.rules.changes import Change
from pitfalls.guard.rules.samples import described
from pitfalls.guard.rules.watcher import Watcher, act_on, watched_batches
from pitfalls.guard.stream.batches import is_readable, named_leaves
from pitfalls.guard.stream.copying import copied_batch
from pitfalls.guard.stream.lines import find_places
from pitfalls.guard.stream.loaders import UNKNOWN_SIZE, asks_one_by_one, batch_size_of
from pitfalls.guard.stream.probes import Probe
from pitfalls.guard.stream.streams import is_iterable_dataset

PassOn = Callable[[Any], Any]
"""Is given a sample or a batch, and returns what to hand on; it raises where an earlier one has changed."""


def watched_loader(loader: Any, depth: int | None, on_alias: str) -> Any:
    """Return a loader that looks at the samples of another one's data set, and at its batches.

    Args:
        loader: A ``DataLoader``.
        depth: How many batches the consumer may hold, 10 if nothing is said.
        on_alias: What to do when something changed.
    """
    kind, held = type(loader), depth or DEFAULT_DEPTH
    known: dict[int, Any] = {}

    def dataset(self: Any) -> Any:
        own = vars(self)["dataset"]
        if id(own) not in known:
            known[id(own)] = _dataset_for(self, own, held, on_alias)
        return known[id(own)]

    def batches(self: Any) -> Iterator[Any]:
        return watched_batches(kind.__iter__(self), held, on_alias)

    replaced = property(dataset, lambda self, value: vars(self).update(dataset=value))
    watched = _made_from(loader, {"__iter__": batches, "dataset": replaced})
    watched.__dict__.update(vars(loader), _iterator=None)
    return watched


def _dataset_for(loader: Any, dataset: Any, held: int, on_alias: str) -> Any:
    """Return the data set that a watched loader reads: whole batches are looked at here, but for a worker's."""
    size = batch_size_of(loader)
    if size is None:
        return watched_dataset(dataset, held, on_alias, whole=True) if loader.num_workers else dataset
    return watched_dataset(dataset, (size or UNKNOWN_SIZE) - 1, on_alias) if size != 1 else dataset


def watched_samples(dataset: Any, depth: int | None, on_alias: str) -> Any:
    """Return a data set that looks at each sample of another one; a collate is taken to hold ten."""
    return watched_dataset(dataset, depth or DEFAULT_DEPTH, on_alias)


def watched_dataset(dataset: Any, depth: int, on_alias: str, whole: bool = False) -> Any:
    """Return a data set of the same class, over the same attributes, that looks at what it hands out.

    Args:
        dataset: A data set, iterable or by index.
        depth: How many of its samples, or batches, somebody may hold besides the newest.
        on_alias: What to do when one of them changed.
        whole: Whether its items are whole batches.
    """
    kind = type(dataset)
    names: dict[str, Any] = {"__reduce__": lambda self: (watched_dataset, (dataset, depth, on_alias, whole))}
    if is_iterable_dataset(dataset):
        watch = watched_batches if whole else watched_items
        names["__iter__"] = lambda self: watch(kind.__iter__(self), depth, on_alias)
    else:
        pass_on = _watcher(dataset, depth, on_alias, whole)
        names["__getitem__"] = lambda self, index: pass_on(kind.__getitem__(self, index))
        if hasattr(kind, "__getitems__") and asks_one_by_one(dataset):
            names["__getitems__"] = None  # PyTorch then asks for each sample
    try:
        watched = _made_from(dataset, names)
    except TypeError:  # a list, for example
        return WatchedSequence(dataset, depth, on_alias, whole)
    object.__setattr__(watched, "__dict__", vars(dataset))
    return watched


def _made_from(original: Any, names: dict[str, Any]) -> Any:
    """Return an object without attributes, of a class that is made from another object's class.

    Raises:
        TypeError: The class has no attributes that could be shared.
    """
    kind = type(original)
    vars(original)
    inherited = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__qualname__": kind.__qualname__}
    made = types.new_class(kind.__name__, (kind,), {}, lambda space: space.update(inherited, **names))
    return object.__new__(made)


class WatchedSequence:
    """Stands before a data set that is a list or the like: what PyTorch asks of one."""

    def __init__(self, dataset: Any, depth: int, on_alias: str, whole: bool) -> None:
        """Keep the data set, and how it is watched."""
        self.settings = dataset, depth, on_alias, whole
        self.dataset, self.pass_on = dataset, _watcher(dataset, depth, on_alias, whole)

    def __getitem__(self, index: Any) -> Any:
        """Return the data set's own sample."""
        return self.pass_on(self.dataset[index])

    def __len__(self) -> int:
        """Return the length, as the data set says."""
        return len(self.dataset)

    def __reduce__(self) -> Any:
        """Start watching anew in a worker."""
        return WatchedSequence, self.settings


def _watcher(dataset: Any, depth: int, on_alias: str, whole: bool) -> PassOn:
    """Return what looks at the samples, or at the whole batches, that are asked for by index."""
    if whole:
        return Watcher(dataset, depth, on_alias).after
    return SampleWatcher(dataset, depth, on_alias).after


def watched_items(items: Iterator[Any], depth: int, on_alias: str) -> Iterator[Any]:
    """Yield the samples of an iterator, each of which is compared with those before it."""
    watcher = SampleWatcher(items, depth, on_alias)
    yield from map(watcher.after, items)


class SampleWatcher:
    """The last samples that a collate may hold, by the memory that they use.

    A new sample is compared only with an earlier one in the same memory: what is held cannot be handed
    out again by an allocator, so that the same address means the same memory.
    """

    def __init__(self, source: Any, depth: int, on_alias: str) -> None:
        """Hold at most ``depth`` samples of a source."""
        self.source, self.depth, self.on_alias = source, depth, on_alias
        self.held: deque[list[Probe]] = deque()
        self.users: dict[int, tuple[int, Probe]] = {}
        self.seen = 0
        self.done = False

    def after(self, sample: Any) -> Any:
        """Look at the samples in the same memory, keep the new one, and return what to hand on."""
        if self.on_alias == "copy":
            return copied_batch(sample)
        if not self.done:
            leaves = [(path, leaf) for path, leaf in named_leaves(sample) if is_readable(leaf)]
            probes = [Probe(path, leaf) for path, leaf in leaves]
            for earlier in (self.users[probe.key] for probe in probes if probe.key in self.users):
                if earlier[1].differs():
                    self._act(*earlier)
                    return sample
            self._keep(probes)
        return sample

    def _keep(self, probes: list[Probe]) -> None:
        """Add a sample, and let the oldest go when there are more than may be held."""
        self.held.append(probes)
        for probe in probes:
            self.users[probe.key] = self.seen, probe
        self.seen += 1
        if len(self.held) > self.depth:
            for probe in self.held.popleft():
                if self.users.get(probe.key, (0, None))[1] is probe:
                    del self.users[probe.key]

    def _act(self, sample: int, probe: Probe) -> None:
        self.done = True
        self.held.clear()
        self.users.clear()
        change = Change(probe.path, sample, self.seen, probe.leaf, *probe.changed(), probe.sampled)
        places = find_places(self.source, probe.leaf)
        act_on(described(change, places, f"when sample {self.seen} was made"), self.on_alias)
