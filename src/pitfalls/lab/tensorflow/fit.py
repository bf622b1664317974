"""Keras's own `fit` on TensorFlow, observed from inside its step."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import keras

from pitfalls.lab.generators import Batch
from pitfalls.lab.keras.fit import fed, fit
from pitfalls.lab.keras.setup import Setup
from pitfalls.lab.labels import with_last_axis
from pitfalls.lab.tensorflow import private
from pitfalls.lab.tensorflow.recording import GraphRecorder


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


def train_with_fit(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train with Keras's `fit`, each step recorded."""
    observed = ObservedModel(setup.network.inputs, setup.network.outputs)
    observed.observe(setup.step_recorder, setup.expands_labels)
    fit(setup, observed, fed(setup, batches))
    observed.let_iterator_go()
