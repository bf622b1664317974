"""A session: one training in TensorFlow, built from its configuration, trained once, then asked.

Each feed has its way to train. `fit` and `workers` are Keras's own `fit`; the other
two are a hand-written step, called for many batches at once (full_queue) or for one
batch at a time (thread_queue). All record through one recorder, inside the step.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np

from pitfalls.lab.generators import Batch
from pitfalls.lab.tensorflow import private
from pitfalls.lab.tensorflow.fit import fit, fit_with_workers, with_last_axis
from pitfalls.lab.tensorflow.losses import difference_shape
from pitfalls.lab.tensorflow.setup import Setup
from pitfalls.lab.tensorflow.steps import train_batch_by_batch, train_in_chunks

WAYS_TO_TRAIN: dict[str, Callable[[Setup, Any], None]] = {
    "fit": fit,
    "workers": fit_with_workers,
    "full_queue": train_in_chunks,
    "thread_queue": train_batch_by_batch,
}


class Session(Setup):
    """One training, and what is asked of it when it is over."""

    @property
    def declared_output(self) -> tuple[int | None, ...]:
        """The shape of the output that the model declares."""
        return tuple(self.model.output_shape)

    @property
    def trainable_parameters(self) -> int:
        """How many numbers the model learns."""
        return sum(int(np.prod(weight.shape)) for weight in self.model.trainable_weights)

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""
        is_one_step = self.config.training.steps_per_execution == 1
        with private.in_one_thread() if is_one_step else nullcontext():
            WAYS_TO_TRAIN[self.config.feed.kind](self, batches)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model answers, in the shape in which its loss is given it."""
        return np.asarray(self.model(inputs))

    def difference_shape(self, labels: np.ndarray, prediction: np.ndarray) -> tuple[int, ...]:
        """Return the shape of the difference that the loss really computes, after any repair."""
        return difference_shape(
            self.loss, with_last_axis(labels) if self.expands_labels else labels, prediction
        )
