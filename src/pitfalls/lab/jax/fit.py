"""Keras's own `fit` on JAX, observed from inside its step."""

from collections.abc import Iterator
from typing import Any

import keras

from pitfalls.config.schema import Config
from pitfalls.lab.generators import Batch
from pitfalls.lab.jax.batch import copied, loaded
from pitfalls.lab.keras.fit import fed, fit
from pitfalls.lab.keras.recording import VariableRecorder
from pitfalls.lab.keras.setup import Setup
from pitfalls.lab.labels import with_last_axis
from pitfalls.project import EpochHook


class ObservedModel(keras.Model):
    """A functional model whose training step is Keras's own, on a copy of the batch, with the recorder beside it."""

    def observe(self, recorder: VariableRecorder, load: int, expand_labels: bool) -> None:
        """Give the model its recorder, its load, and whether flat labels get a last axis.

        What a step writes must be variables of the model: JAX's step is a function of them.
        """
        self._recorder, self._load, self._expand_labels = recorder, load, expand_labels
        self._rows, self._step = recorder.rows, recorder.step
        self._loaded = keras.Variable(0.0, trainable=False)

    def train_step(self, state: Any, data: Any) -> Any:
        """Run Keras's own step on a copy of the batch."""
        return super().train_step(state, copied(*data))

    def compute_loss(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return Keras's own loss, and record it with what the step was given."""
        loss = super().compute_loss(x, with_last_axis(y) if self._expand_labels else y, *args, **kwargs)
        self._recorder.record(x, y, loss)
        self._loaded.assign(loaded(x, self._load))
        return loss


class KerasSession(Setup[VariableRecorder]):
    """One training by Keras's `fit` on JAX, and what is asked of it when it is over."""

    def __init__(self, config: Config, on_epoch_end: EpochHook) -> None:
        """Build it from a checked configuration; the hook is told the loss of each epoch."""
        super().__init__(config, on_epoch_end, VariableRecorder)

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""
        observed = ObservedModel(self.network.inputs, self.network.outputs)
        observed.observe(self.step_recorder, self.config.load or 1, self.expands_labels)
        fit(self, observed, fed(self, batches))
