"""Data sets: a PyDataset that watches another one. Imported only where Keras already is."""

from __future__ import annotations

from typing import Any

import keras

from pitfalls.guard.rules.aliasing import depth_of
from pitfalls.guard.rules.watcher import Watcher


def watched_dataset(dataset: Any, depth: int | None, on_alias: str) -> WatchedDataset:
    """Return a data set that looks at each batch of another one."""
    return WatchedDataset(dataset, depth or depth_of(dataset), on_alias)


class WatchedDataset(keras.utils.PyDataset):
    """Passes on the batches of a data set, and everything else that Keras asks it for.

    Workers may ask at once: the batches are looked at one after the other, behind a lock.
    """

    def __init__(self, dataset: Any, depth: int, on_alias: str) -> None:
        """Keep the data set's workers, queue and processes."""
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset, self.depth, self.on_alias = dataset, depth, on_alias
        self.watcher = Watcher(dataset, depth, on_alias)

    def __getitem__(self, index: int) -> Any:
        """Return the data set's own batch."""
        return self.watcher.after(self.dataset[index])

    @property
    def num_batches(self) -> int | None:
        """The number of batches, as the data set says."""
        return self.dataset.num_batches

    def __len__(self) -> int:
        """Return the length, as the data set says."""
        return len(self.dataset)

    def on_epoch_begin(self) -> None:
        """Tell the data set."""
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the data set."""
        self.dataset.on_epoch_end()

    def __getattr__(self, name: str) -> Any:
        """Return the data set's own attributes."""
        if "dataset" not in vars(self):
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lock and the held batches behind: a worker process starts with its own."""
        return {key: value for key, value in self.__dict__.items() if key != "watcher"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start watching anew."""
        self.__dict__.update(state)
        self.watcher = Watcher(self.dataset, self.depth, self.on_alias)
