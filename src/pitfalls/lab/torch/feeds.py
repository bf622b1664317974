"""How batches travel to a step: PyTorch's own DataLoader, with or without workers, or a queue that a thread fills."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from pitfalls.config.schema import Config
from pitfalls.errors import ConfigurationError
from pitfalls.lab.feeds import threaded_queue
from pitfalls.lab.recorder import Recorder
from pitfalls.lab.sources import make_configured


class Iterated(IterableDataset):
    """A generator as a dataset that only iterates; each worker makes its own, from the seed and the worker's number."""

    def __init__(self, batches: Iterator[Any], config: Config) -> None:
        """Take the generator of this process, and what a worker makes its own from."""
        self._batches, self._config = batches, config

    def __iter__(self) -> Iterator[Any]:
        """Return the generator."""
        worker = get_worker_info()
        return self._batches if worker is None else make_configured(self._config, worker.id)


def loaded(
    batches: Iterator[Any], config: Config, recorder: Recorder
) -> AbstractContextManager[Iterator[Any]]:
    """Load whole batches in this process."""
    return nullcontext(iter(DataLoader(Iterated(batches, config), batch_size=None)))


def collated(
    samples: Iterator[Any], config: Config, recorder: Recorder
) -> AbstractContextManager[Iterator[Any]]:
    """Load samples in this process, which PyTorch's own collate stacks."""
    return nullcontext(iter(collating(samples, config)))


def collating(samples: Iterator[Any], config: Config) -> DataLoader:
    """Return PyTorch's own loader of samples, with its own collate."""
    return DataLoader(Iterated(samples, config), batch_size=config.task.batch_size)


def loaded_by_workers(
    batches: Iterator[Any], config: Config, recorder: Recorder
) -> AbstractContextManager[Iterator[Any]]:
    """Load whole batches in worker processes, which end with the context."""
    refuse_to_fork()
    loader = DataLoader(
        Iterated(batches, config),
        batch_size=None,
        num_workers=config.feed.workers or 2,
        prefetch_factor=config.feed.places,
        multiprocessing_context="fork",
    )
    return closing(
        batch for batch in loader
    )  # closed, it lets go of the loader's iterator, which ends its workers


def refuse_to_fork() -> None:
    """Refuse to fork a process that has imported another framework.

    Raises:
        ConfigurationError: Names the framework.
    """
    if found := [name for name in ("tensorflow", "jax") if sys.modules.get(name)]:
        raise ConfigurationError(
            f"this process has imported {found[0]}, and the workers of a DataLoader are forks of it: "
            f"a lock that a thread of {found[0]} holds would stay locked in them for ever.\n"
            "Train in a process of its own: python src/train.py runtime=torch_workers."
        )


@contextmanager
def queued(batches: Iterator[Any], config: Config, recorder: Recorder) -> Iterator[Iterator[Any]]:
    """Take batches out of a queue of references that a thread fills, one for each `queue.get()`."""
    with threaded_queue(batches, config.feed.places) as queue:
        yield noted(queue, recorder)


def noted(queue: Iterator[Any], recorder: Recorder) -> Iterator[Any]:
    """Yield each batch of a queue, noting whether it was rewritten while it waited."""
    for delivery in queue:
        recorder.note_rewritten(delivery.is_rewritten())
        yield delivery.batch


Feeding = Callable[[Iterator[Any], Config, Recorder], AbstractContextManager[Iterator[Any]]]

FEEDS: dict[str, Feeding] = {
    "loader": loaded,
    "loader_workers": loaded_by_workers,
    "collate": collated,
    "thread_queue": queued,
}
"""The feeds of a step written by hand, by the `kind` of conf/feed."""
