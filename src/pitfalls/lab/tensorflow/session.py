"""A session: one training in TensorFlow, built from its configuration, trained once, then asked.

Each feed has its way to train. `fit` and `workers` are Keras's own `fit`; the other
two are a hand-written step, called for many batches at once (full_queue) or for one
batch at a time (thread_queue). All record through one recorder, inside the step.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import keras
import numpy as np

from pitfalls.config.schema import Config, learning_rate_steps
from pitfalls.config.targets import importable
from pitfalls.lab.frameworks import EpochHook
from pitfalls.lab.generators import Batch
from pitfalls.lab.recorder import Recorder
from pitfalls.lab.tensorflow import private
from pitfalls.lab.tensorflow.fit import fit, fit_with_workers, with_last_axis
from pitfalls.lab.tensorflow.losses import LOSSES, difference_shape
from pitfalls.lab.tensorflow.recording import GraphRecorder
from pitfalls.lab.tensorflow.steps import train_batch_by_batch, train_in_chunks

WAYS_TO_TRAIN: dict[str, Callable[["Session", Any], None]] = {
    "fit": fit,
    "workers": fit_with_workers,
    "full_queue": train_in_chunks,
    "thread_queue": train_batch_by_batch,
}


class Session:
    """Model, optimizer, loss and recorder of one run."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build them, from the run's seed.

        Args:
            config: A checked configuration.
            on_epoch_end: Told the loss of each epoch.
        """
        keras.backend.clear_session(free_memory=False)  # collecting garbage would take a third of a short run
        keras.utils.set_random_seed(config.seed)
        self.config, self.on_epoch_end = config, on_epoch_end
        self.expands_labels = config.labels == "expanded"
        self.model: keras.Model = importable("model", config.model._target_)()
        self.optimizer = make_optimizer(config.training.learning_rate)
        if self.model.trainable_variables:
            # variables made inside a trace cost a second trace
            self.optimizer.build(self.model.trainable_variables)
        self.loss = LOSSES[config.loss.kind]()
        self.recorder = Recorder(config.task.batch_size)
        self.graph_recorder = GraphRecorder(self.recorder, config.training.steps_per_epoch)

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

    def end_epoch(self, epoch: int) -> None:
        """End an epoch in the recorder, and tell the hook its mean loss."""
        self.on_epoch_end(epoch, self.graph_recorder.end_epoch())

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model answers, in the shape in which its loss is given it."""
        return np.asarray(self.model(inputs))

    def difference_shape(self, labels: np.ndarray, prediction: np.ndarray) -> tuple[int, ...]:
        """Return the shape of the difference that the loss really computes, after any repair."""
        return difference_shape(
            self.loss, with_last_axis(labels) if self.expands_labels else labels, prediction
        )


def make_optimizer(learning_rate: Any) -> keras.optimizers.Optimizer:
    """Return RMSprop with a constant or stepped learning rate."""
    firsts, rates = zip(*learning_rate_steps(learning_rate), strict=True)
    if len(rates) == 1:
        return keras.optimizers.RMSprop(rates[0])
    # Keras changes the rate after a boundary, so the step before each first step is it.
    boundaries = [first - 1 for first in firsts[1:]]
    return keras.optimizers.RMSprop(keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates))
