"""What Keras's ways to train share: model, optimizer, loss and recorder of one run, built from its configuration."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import keras
import numpy as np

from pitfalls.config.schema import Config, learning_rate_steps
from pitfalls.config.targets import importable
from pitfalls.lab.keras.losses import LOSSES, difference_shape
from pitfalls.lab.keras.models import Kept
from pitfalls.lab.labels import with_last_axis
from pitfalls.lab.recorder import Recorder
from pitfalls.project import EpochHook


class StepRecorder(Protocol):
    """Copies each step's inputs, labels and loss inside the step, in a backend's own way."""

    def end_epoch(self) -> float:
        """Hand the steps since the last call to the recorder, and return their mean loss."""


Recording = TypeVar("Recording", bound=StepRecorder)


class Setup(Generic[Recording]):
    """Model, optimizer, loss and recorder of one run, and what is asked of them when it is over."""

    def __init__(
        self,
        config: Config,
        on_epoch_end: EpochHook,
        recording: Callable[[Recorder, int], Recording],
    ) -> None:
        """Build them, from the run's seed.

        Args:
            config: A checked configuration.
            on_epoch_end: Told the loss of each epoch.
            recording: Makes the backend's recorder of steps, from the shared one and the steps of an epoch.
        """
        keras.backend.clear_session(free_memory=False)  # collecting garbage would take a third of a short run
        keras.utils.set_random_seed(config.seed)
        self.config, self.on_epoch_end = config, on_epoch_end
        self.expands_labels = config.labels == "expanded"
        self.network: keras.Model = importable("model", config.model._target_)()
        self.optimizer = make_optimizer(config.training.learning_rate)
        if self.network.trainable_variables:
            # variables made inside a trace cost a second trace
            self.optimizer.build(self.network.trainable_variables)
        self.loss = LOSSES[config.loss.kind]()
        self.recorder = Recorder(config.task.batch_size)
        self.step_recorder = recording(self.recorder, config.training.steps_per_epoch)

    def end_epoch(self, epoch: int) -> None:
        """End an epoch in the recorder, and tell the hook its mean loss."""
        self.on_epoch_end(epoch, self.step_recorder.end_epoch())

    @property
    def model(self) -> Kept:
        """The model, as a run keeps it."""
        return Kept(self.network)

    @property
    def declared_output(self) -> tuple[int | None, ...]:
        """The shape of the output that the model declares."""
        return tuple(self.network.output_shape)

    @property
    def trainable_parameters(self) -> int:
        """How many numbers the model learns."""
        return sum(int(np.prod(weight.shape)) for weight in self.network.trainable_weights)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model answers, in the shape in which its loss is given it."""
        return np.asarray(self.network(inputs))

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
