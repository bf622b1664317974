"""A session: one training in JAX, built from its configuration, trained once, then asked.

Here is the loop that most tutorials have. It waits for nothing before an epoch is over, so that
a step may still run, or not have begun, while the next batch is made.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import jax
import numpy as np

from pitfalls.config.frameworks import keras_on
from pitfalls.config.schema import Config, learning_rate_steps
from pitfalls.errors import ConfigurationError
from pitfalls.lab.generators import Batch
from pitfalls.lab.jax.feeds import FEEDS
from pitfalls.lab.jax.losses import difference
from pitfalls.lab.jax.models import Model
from pitfalls.lab.jax.steps import compiled_step, first_state
from pitfalls.lab.labels import with_last_axis
from pitfalls.lab.recorder import Recorder
from pitfalls.lab.sources import own_model
from pitfalls.project import EpochHook
from pitfalls.startup import hidden, quick_imports


class HandWritten:
    """One training in plain JAX, and what is asked of it when it is over."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build it from a checked configuration; the hook is told the loss of each epoch.

        Raises:
            ConfigurationError: The model is not written in JAX.
        """
        self.config, self.on_epoch_end = config, on_epoch_end
        self.model = own_model(config, Model, "jax")
        self.recorder = Recorder(config.task.batch_size)
        self.expands_labels = config.labels == "expanded"

    @property
    def declared_output(self) -> tuple[int | None, ...]:
        """The shape of the output that the model declares."""
        return self.model.declared_output

    @property
    def trainable_parameters(self) -> int:
        """How many numbers the model learns."""
        return sum(value.size for value in self.model.parameters.values())

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""
        training, feed = self.config.training, self.config.feed
        rates = tuple(learning_rate_steps(training.learning_rate))
        step = compiled_step(self.model.answer, rates, self.config.load or 1, self.expands_labels)
        state = first_state(self.model.parameters)
        fed = FEEDS[feed.kind](batches, feed)
        for epoch in range(training.epochs):
            rows = []
            for inputs, labels in islice(fed, training.steps_per_epoch):
                state, row = step(state, inputs, labels)
                rows.append(jax.block_until_ready(row) if feed.waits == "step" else row)
            self.recorder.labels_axes = labels.shape[1:]
            self.on_epoch_end(epoch, self.recorder.end_epoch(np.stack(rows)))
        self.model = Model(self.model.answer, state.parameters, self.model.declared_output)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model answers, in the shape in which its loss is given it."""
        return self.model(inputs)

    def difference_shape(self, labels: np.ndarray, prediction: np.ndarray) -> tuple[int, ...]:
        """Return the shape of the difference that the loss really computes."""
        meant = with_last_axis(labels) if self.expands_labels else labels
        return difference(meant, prediction).shape


def open_session(config: Config, on_epoch_end: EpochHook) -> Any:
    """Return the session of a configuration: a step written by hand, or Keras's `fit`.

    Keras, a second and a half of import, is left out where nothing needs it.

    Raises:
        ConfigurationError: JAX has another device than the CPU.
    """
    refuse_another_device()
    if config.model.library == "jax":
        return HandWritten(config, on_epoch_end)
    with keras_on("jax"), quick_imports("jax"):
        from pitfalls.lab.jax.fit import KerasSession

    with hidden("tensorflow"):  # Keras would import it to seed it too
        return KerasSession(config, on_epoch_end)


def refuse_another_device() -> None:
    """Refuse what would be another experiment: batches are shared with NumPy on the CPU alone.

    Raises:
        ConfigurationError: Names the device, and how to train on the CPU.
    """
    if (device := jax.default_backend()) != "cpu":
        raise ConfigurationError(
            f"JAX would train on the {device} of this machine, and every claim is about the CPU.\n"
            "Put `env JAX_PLATFORMS=cpu` in front of this command."
        )
