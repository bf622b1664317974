"""Keras's own `fit`: a generator as it is, or a PyDataset whose workers share one generator."""

import threading
import warnings
from collections.abc import Iterator
from typing import Any

import keras

from pitfalls.lab.generators import Batch
from pitfalls.lab.keras.setup import Setup


def fit(setup: Setup, observed: keras.Model, batches: Any) -> None:
    """Train with Keras's `fit`, which takes the generator itself, or a PyDataset.

    Args:
        setup: Optimizer, loss and lengths of the run.
        observed: Its model, which records each step beside Keras's own.
        batches: The generator, or what stands for it.
    """
    training = setup.config.training
    observed.compile(
        optimizer=setup.optimizer, loss=setup.loss, steps_per_execution=training.steps_per_execution
    )
    report = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setup.end_epoch(epoch))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The model does not have any trainable weights")
        observed.fit(
            batches,
            epochs=training.epochs,
            steps_per_epoch=training.steps_per_epoch,
            callbacks=[report],
            shuffle=False,
            verbose=0,
        )


class SharedGenerator(keras.utils.PyDataset):
    """One generator behind a lock, for Keras's worker threads.

    A plain generator raises `ValueError: generator already executing` when two threads
    pull it; the lock is what users add, and it does nothing about the one buffer.
    """

    def __init__(self, batches: Iterator[Batch], workers: int, max_queue_size: int) -> None:
        """Wrap a generator.

        Args:
            batches: The generator.
            workers: Threads that pull it.
            max_queue_size: Batches that Keras's queue holds.
        """
        super().__init__(workers=workers, max_queue_size=max_queue_size)
        self._batches = batches
        self._lock = threading.Lock()

    @property
    def num_batches(self) -> None:
        """Endless: `fit` needs `steps_per_epoch`."""
        return None

    def __getitem__(self, index: int) -> Any:
        """Return the generator's next batch, whatever the index."""
        with self._lock:
            return next(self._batches)


def fed(setup: Setup, batches: Iterator[Batch]) -> Any:
    """Return what `fit` is given: the generator itself, or under feed=workers what its threads share."""
    feed = setup.config.feed
    if feed.kind != "workers":
        return batches
    return SharedGenerator(batches, workers=feed.workers or 2, max_queue_size=feed.places)
