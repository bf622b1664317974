"""Keras's own `fit`: a generator as it is, or a PyDataset whose workers share one generator."""

import threading
import warnings
from collections import deque
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from pitfalls.lab.generators import Batch
from pitfalls.lab.tensorflow import private
from pitfalls.lab.tensorflow.recording import GraphRecorder
from pitfalls.lab.tensorflow.setup import Setup


class ObservedModel(keras.Model):
    """A functional model whose training step is Keras's own, with the recorder beside it."""

    def observe(self, recorder: GraphRecorder, expand_labels: bool) -> None:
        """Give the model its recorder; `expand_labels` gives flat labels a last axis, as Keras 2.2 did."""
        self._recorder = recorder
        self._expand_labels = expand_labels
        self._iterator: deque[Any] = deque(maxlen=1)

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras's own function, and keep the iterator that it is given: `let_iterator_go` says why."""
        super().make_train_function(force)
        train = private.train_function_of(self)

        def keep_and_train(iterator: Any) -> Any:
            self._iterator.append(iterator)
            return train(iterator)

        self.train_function = keep_and_train

    def let_iterator_go(self) -> None:
        """Let the iterator go in a thread of its own: it may take as long as the training did.

        tf.data tunes its buffers from a thread that sleeps 10 ms, then twice as long each
        time. An iterator over a Python generator mostly waits for that sleep to end before
        it goes (TensorFlow 2.21), and `fit` does not return before.
        """
        threading.Thread(target=self._iterator.clear, daemon=True).start()

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """Return Keras's own loss, and keep it for the recorder."""
        self._loss_now = super().compute_loss(*args, **kwargs)
        return self._loss_now

    def train_step(self, data: Any) -> Any:
        """Run Keras's own step and record what it was given."""
        inputs, labels = data
        logs = super().train_step((inputs, with_last_axis(labels) if self._expand_labels else labels))
        self._recorder.record(inputs, labels, self._loss_now)
        return logs


def with_last_axis(labels: Any) -> Any:
    """Return labels as (b, 1), whether they came so or as (b,)."""
    return labels[:, np.newaxis] if len(labels.shape) == 1 else labels


def fit(setup: Setup, batches: Any) -> None:
    """Train with Keras's `fit`, which takes the generator itself, or a PyDataset."""
    training = setup.config.training
    observed = ObservedModel(setup.model.inputs, setup.model.outputs)
    observed.observe(setup.graph_recorder, setup.expands_labels)
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
    observed.let_iterator_go()


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


def fit_with_workers(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train with `fit` on a PyDataset whose worker threads share the generator behind a lock."""
    feed = setup.config.feed
    fit(setup, SharedGenerator(batches, workers=feed.workers or 2, max_queue_size=feed.places))
