"""A session: one training in PyTorch, built from its configuration, trained once, then asked."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch

from pitfalls.config.frameworks import keras_on
from pitfalls.config.schema import Config, learning_rate_steps
from pitfalls.lab.generators import Batch
from pitfalls.lab.labels import with_last_axis
from pitfalls.lab.recorder import Recorder
from pitfalls.lab.sources import own_model
from pitfalls.lab.torch.feeds import FEEDS
from pitfalls.lab.torch.losses import difference
from pitfalls.lab.torch.models import Kept, Model
from pitfalls.lab.torch.recording import TensorRecorder
from pitfalls.lab.torch.steps import make_step
from pitfalls.project import EpochHook
from pitfalls.startup import hidden, quick_imports

THREADS = 1
"""A step has too few numbers for two, a sweep trains on every core, and a fork inherits no pool of threads."""


class HandWritten:
    """One training in plain PyTorch, and what is asked of it when it is over."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build it from a checked configuration; the hook is told the loss of each epoch.

        Raises:
            ConfigurationError: The model is not written in PyTorch.
        """
        self.config, self.on_epoch_end = config, on_epoch_end
        self.network = own_model(config, Model, "torch")
        self.recorder = Recorder(config.task.batch_size)
        self.expands_labels = config.labels == "expanded"

    @property
    def model(self) -> Kept:
        """The model, as a run keeps it."""
        return Kept(self.network)

    @property
    def declared_output(self) -> tuple[int | None, ...]:
        """The shape of the output that the model declares."""
        return self.network.declared_output

    @property
    def trainable_parameters(self) -> int:
        """How many numbers the model learns."""
        return sum(weights.numel() for weights in self.network.parameters())

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""
        training, loss = self.config.training, self.config.loss.kind
        rates = learning_rate_steps(training.learning_rate)
        recorder = TensorRecorder(self.recorder, training.steps_per_epoch)
        step = make_step(self.network, loss, rates, self.expands_labels, recorder)
        with FEEDS[self.config.feed.kind](batches, self.config, self.recorder) as fed:
            for epoch in range(training.epochs):
                for inputs, labels in islice(fed, training.steps_per_epoch):
                    step(inputs, labels)
                self.on_epoch_end(epoch, recorder.end_epoch())

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model answers, in the shape in which its loss is given it."""
        return self.model(inputs)

    def difference_shape(self, labels: np.ndarray, prediction: np.ndarray) -> tuple[int, ...]:
        """Return the shape of the difference that the loss really computes."""
        meant = with_last_axis(labels) if self.expands_labels else labels
        return tuple(difference(meant, prediction).shape)


def open_session(config: Config, on_epoch_end: EpochHook) -> Any:
    """Return the session of a configuration: a step written by hand, or Keras's `fit`.

    A step written by hand trains on the CPU, whatever devices there are: nothing moves its tensors.
    Keras would move them.

    Raises:
        ConfigurationError: Keras would train on another device than the CPU.
    """
    torch.set_num_threads(THREADS)
    if config.model.library == "torch":
        return HandWritten(config, on_epoch_end)
    with keras_on("torch"), quick_imports("torch"), hidden("tensorflow"):
        from pitfalls.lab.torch.fit import KerasSession, refuse_another_device

        refuse_another_device()
        return KerasSession(config, on_epoch_end)
