"""Loaders: the batches of a PyTorch DataLoader, made in this process, with the samples that go into each.

PyTorch documents what a loader does: ``collate_fn([dataset[i] for i in indices])`` for each list of
indices of its ``batch_sampler``, or ``collate_fn`` of ``batch_size`` items of an iterable data set, or
of one item where ``batch_size`` is None. The same is done here, so no worker is started, and
what a worker would hold can be looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pitfalls.guard.stream.copying import copied_batch
from pitfalls.guard.stream.streams import is_iterable_dataset, is_torch_loader

UNKNOWN_SIZE = 1024
"""Samples that a batch is taken to have where a loader does not say how many."""

SampleSeen = Callable[[int, Any], None]
"""Is told the place of a sample in its batch, and the sample, as soon as there is one."""


class InProcess:
    """A DataLoader, or a data set by itself, as batches that are made in this process.

    A data set by itself is read in groups of samples, each of which is handed on as a copy.

    Attributes:
        source: The loader or the data set.
        dataset: The data set.
        collates: How many samples go into a batch; None where the data set yields whole batches.
        items: What the data set's items come from now, for whoever looks for their lines.
    """

    def __init__(self, source: Any, group: int) -> None:
        """Take a loader, or a data set and how many of its samples make a group."""
        self.source, self.is_loader = source, is_torch_loader(source)
        self.dataset = source.dataset if self.is_loader else source
        self.collates: int | None = batch_size_of(source) if self.is_loader else group
        self.sample_seen: SampleSeen = lambda place, sample: None
        self.batch_done: Callable[[], None] = lambda: None
        self.is_enough: Callable[[], bool] = lambda: False
        self.items: Iterator[Any] = iter(())

    def __iter__(self) -> Iterator[Any]:
        """Make one epoch's batches."""
        return itertools.takewhile(lambda _: not self.is_enough(), self._batches())

    def _batches(self) -> Iterator[Any]:
        if self.collates is None:
            convert = self.source.collate_fn  # what it makes of an array shares the array's memory
            is_default = getattr(convert, "__name__", "") == "default_convert"
            yield from (item if is_default else convert(item) for item in self._items(self._indices()))
            return
        for samples in self._groups():
            collate = self.source.collate_fn if self.is_loader else copied_batch
            self.batch_done()
            yield collate(samples)

    def _indices(self) -> Iterable[Any]:
        """Return the order in which a data set's items are asked for."""
        if self.is_loader:
            return self.source.sampler
        return range(len(self.dataset)) if hasattr(self.dataset, "__len__") else itertools.count()

    def _items(self, indices: Iterable[Any]) -> Iterator[Any]:
        """Yield items one after the other."""
        if is_iterable_dataset(self.dataset):
            self.items = iter(self.dataset)
            yield from self.items
            return
        for index in indices:
            try:
                item = self.dataset[index]
            except IndexError:
                if self.is_loader:
                    raise
                return
            yield item

    def _groups(self) -> Iterator[list[Any]]:
        """Yield the samples of each batch, each of which was shown as soon as it was there."""
        if self.is_loader and not is_iterable_dataset(self.dataset):
            for indices in self.source.batch_sampler:
                yield self._shown(self._fetched(indices))
            return
        items = self._items(self._indices())
        drops = self.is_loader and self.source.drop_last
        while samples := self._shown(itertools.islice(items, self.collates)):
            if len(samples) == self.collates or not drops:
                yield samples

    def _fetched(self, indices: Any) -> Iterable[Any]:
        """Return the samples of a list of indices, all at once where the data set can do that."""
        if hasattr(self.dataset, "__getitems__") and not asks_one_by_one(self.dataset):
            at_once: Iterable[Any] = self.dataset.__getitems__(indices)
            return at_once
        return (self.dataset[index] for index in indices)

    def _shown(self, samples: Iterable[Any]) -> list[Any]:
        """Return samples as the list that a collate is given."""
        shown = []
        for place, sample in enumerate(samples):
            self.sample_seen(place, sample)
            shown.append(sample)
        return shown


def asks_one_by_one(dataset: Any) -> bool:
    """Tell whether what a data set offers for many samples at once is PyTorch's own loop over single ones."""
    return str(getattr(type(dataset).__getitems__, "__module__", "")).startswith("torch.utils.data")


def batch_size_of(loader: Any) -> int | None:
    """Return how many samples go into a batch; None where nothing is collated."""
    if loader.batch_sampler is None:
        return None
    size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", None)
    return size if isinstance(size, int) else 0
