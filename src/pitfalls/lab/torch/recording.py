"""Recording in PyTorch: the first thing that a step does is to copy its batch, and it works on that copy.

So a step reads its batch once. The loss, its gradient and the recorder would else each read
memory that a generator may refill in between, and belong to two batches.
"""

from typing import Any

import numpy as np
import torch

from pitfalls.lab.recorder import Recorder


class TensorRecorder:
    """Copies batches into tensors that are made once; `end_epoch` hands them to the recorder."""

    def __init__(self, recorder: Recorder, steps_per_epoch: int) -> None:
        """Make room for an epoch; for its labels when the first come, as they may lack their last axis.

        Args:
            recorder: Looks at the steps.
            steps_per_epoch: Steps between two calls of `end_epoch`, at most.
        """
        self._recorder, self._steps = recorder, steps_per_epoch
        widths = recorder.widths
        self._inputs_snb = torch.empty((steps_per_epoch, widths[1], 2))
        self._inputs = self._inputs_snb.unbind()
        self._labels: tuple[torch.Tensor, ...] = ()
        self._losses: list[float] = []

    def copied(self, inputs: Any, labels: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a copy of a batch in float32, which is also its record.

        Args:
            inputs: (b, 2), an array or a tensor.
            labels: (b,) or (b, 1), likewise.
        """
        if not self._labels:
            self._labels_sb = torch.empty((self._steps, *labels.shape))
            self._labels = self._labels_sb.unbind()
            self._recorder.labels_axes = tuple(labels.shape[1:])
        step = len(self._losses)
        return (
            self._inputs[step].copy_(torch.as_tensor(inputs)),
            self._labels[step].copy_(torch.as_tensor(labels)),
        )

    def note(self, loss: torch.Tensor) -> None:
        """Note the loss of the batch that was copied last, which ends its step."""
        self._losses.append(loss.item())

    def end_epoch(self) -> float:
        """Hand on the steps since the last call, make room for as many, and return their mean loss."""
        steps = len(self._losses)
        parts = [
            self._inputs_snb[:steps].reshape(steps, -1).numpy(),
            self._labels_sb[:steps].reshape(steps, -1).numpy(),
            np.array(self._losses, np.float32)[:, np.newaxis],
        ]
        self._losses.clear()
        return self._recorder.end_epoch(np.concatenate(parts, axis=1))
