"""Keras's own `fit` on PyTorch, observed from inside its step."""

from collections.abc import Iterator
from typing import Any

import keras

from pitfalls.config.schema import Config
from pitfalls.errors import ConfigurationError
from pitfalls.lab.generators import Batch
from pitfalls.lab.keras.fit import fed, fit
from pitfalls.lab.keras.setup import Setup
from pitfalls.lab.labels import with_last_axis
from pitfalls.lab.torch.recording import TensorRecorder
from pitfalls.project import EpochHook


class ObservedModel(keras.Model):
    """A functional model whose training step is Keras's own, on a copy of the batch that is also its record."""

    def observe(self, recorder: TensorRecorder, expand_labels: bool) -> None:
        """Give the model its recorder, and whether flat labels get a last axis."""
        self._recorder, self._expand_labels = recorder, expand_labels

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """Return Keras's own loss, and keep it for the recorder."""
        self._loss_now = super().compute_loss(*args, **kwargs)
        return self._loss_now

    def train_step(self, data: Any) -> Any:
        """Run Keras's own step on a copy of the batch, and record its loss."""
        inputs, labels = self._recorder.copied(*data)
        logs = super().train_step((inputs, with_last_axis(labels) if self._expand_labels else labels))
        self._recorder.note(self._loss_now)
        return logs


class KerasSession(Setup[TensorRecorder]):
    """One training by Keras's `fit` on PyTorch, and what is asked of it when it is over."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build it from a checked configuration; the hook is told the loss of each epoch."""
        super().__init__(config, on_epoch_end, TensorRecorder)

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""
        observed = ObservedModel(self.network.inputs, self.network.outputs)
        observed.observe(self.step_recorder, self.expands_labels)
        fit(self, observed, fed(self, batches))

    def predict(self, inputs: Any) -> Any:
        """Return what the model answers, in the shape in which its loss is given it."""
        return keras.ops.convert_to_numpy(self.network(inputs))


def refuse_another_device() -> None:
    """Refuse what would be another experiment: batches are shared with NumPy on the CPU alone.

    Raises:
        ConfigurationError: Names the device, and how to train on the CPU.
    """
    device = keras.ops.zeros(1).device.type
    if device != "cpu":
        raise ConfigurationError(
            f"Keras on PyTorch would train on the {device} of this machine, and every claim is about the CPU.\n"
            "Put `env KERAS_TORCH_DEVICE=cpu` in front of this command."
        )
