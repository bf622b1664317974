"""Recording in PyTorch: the first thing that a step does is to copy its batch, and it works on that copy.

So a step reads its batch once. The loss, its gradient and the recorder would else each read
memory that a generator may refill in between, and belong to two batches.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from pitfalls.lab.recorder import Recorder


class TensorRecorder:
    """Copies batches into memory that is made once; `end_epoch` hands it to the recorder."""

    def __init__(self, recorder: Recorder, steps_per_epoch: int) -> None:
        """Make room for an epoch.

        Args:
            recorder: Looks at the steps.
            steps_per_epoch: Steps between two calls of `end_epoch`, at most.
        """
        self._recorder = recorder
        self._rows = np.zeros((steps_per_epoch, sum(recorder.widths)), np.float32)
        self._places: list[Place] = []
        self._losses: list[float] = []

    def copied(self, inputs: Any, labels: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a copy of a batch in float32, which is also its record.

        Args:
            inputs: (b, 2), an array or a tensor.
            labels: (b,) or (b, 1), likewise.
        """
        if not self._places:
            self._recorder.labels_axes = tuple(labels.shape[1:])
            self._places = [place_in(row, labels.shape) for row in self._rows]
        place = self._places[len(self._losses)]
        np.copyto(place.inputs, array_of(inputs))
        np.copyto(place.labels, array_of(labels))
        return place.batch

    def note(self, loss: torch.Tensor) -> None:
        """Note the loss of the batch that was copied last, which ends its step."""
        self._losses.append(loss.item())

    def end_epoch(self) -> float:
        """Hand on the steps since the last call, make room for as many, and return their mean loss."""
        steps = self._rows[: len(self._losses)]
        steps[:, -1] = self._losses
        self._losses.clear()
        return self._recorder.end_epoch(steps)


class Place(NamedTuple):
    """Where a step's batch is copied to, as arrays, and the same memory as tensors."""

    inputs: np.ndarray
    labels: np.ndarray
    batch: tuple[torch.Tensor, torch.Tensor]


def place_in(row: np.ndarray, labels_shape: tuple[int, ...]) -> Place:
    """Return the place of a batch in its row: inputs, labels and a loss, laid flat."""
    rows = labels_shape[0]
    inputs, labels = row[: 2 * rows].reshape(rows, 2), row[2 * rows : 3 * rows].reshape(labels_shape)
    return Place(inputs, labels, (torch.from_numpy(inputs), torch.from_numpy(labels)))


def array_of(part: Any) -> np.ndarray:
    """Return a part of a batch as an array in the same memory; NumPy copies small ones in a third of PyTorch's time."""
    array: np.ndarray = part.numpy() if isinstance(part, torch.Tensor) else part
    return array
