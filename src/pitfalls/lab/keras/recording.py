"""Recording in Keras's variables, which every backend's step can write."""

from typing import Any

import keras
import numpy as np

from pitfalls.lab.recorder import Recorder


class VariableRecorder:
    """Copies steps into variables inside a step; `end_epoch` hands them to the recorder."""

    def __init__(self, recorder: Recorder, steps_per_epoch: int) -> None:
        """Make room for an epoch.

        Args:
            recorder: Looks at the rows.
            steps_per_epoch: Steps between two calls of `end_epoch`, at most.
        """
        self._recorder = recorder
        self.rows = keras.Variable(
            np.zeros((steps_per_epoch, sum(recorder.widths)), np.float32), trainable=False
        )
        self.step = keras.Variable(0, trainable=False, dtype="int32")

    def record(self, inputs: Any, labels: Any, loss: Any) -> None:
        """Record one step.

        Args:
            inputs: What the model was given, (b, 2).
            labels: Their labels, (b,) or (b, 1).
            loss: The loss, a scalar.
        """
        self._recorder.labels_axes = tuple(labels.shape[1:])
        parts = [keras.ops.reshape(part, (1, -1)) for part in (inputs, labels, loss)]
        row = keras.ops.cast(keras.ops.concatenate(parts, axis=1), "float32")
        self.rows.assign(keras.ops.slice_update(self.rows.value, (self.step.value, 0), row))
        self.step.assign(self.step + 1)

    def end_epoch(self) -> float:
        """Hand on the steps since the last call, make room for as many, and return their mean loss."""
        steps = np.asarray(self.rows)[: int(self.step)]
        self.step.assign(0)
        return self._recorder.end_epoch(steps)
