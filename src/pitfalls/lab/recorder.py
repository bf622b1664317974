"""The recorder: what the model was really given, step by step.

The truth of this task is visible in the data: a label is the mean of its inputs, or
the batch is broken. Each framework copies a step's inputs, labels and loss into one row,
inside its own training step; here the rows are looked at when an epoch is over, in NumPy.
"""

from dataclasses import dataclass

import numpy as np

COLUMNS = ("loss", "broken_rows", "broken_batches", "repeated_batches")


class Recorder:
    """Looks at the steps of a training, epoch by epoch."""

    def __init__(self, batch_size: int) -> None:
        """Expect rows of 2 b inputs, b labels and a loss, for batches of b rows."""
        self._batch_size = batch_size
        self._last_batch = np.full((1, 3 * batch_size), np.nan, np.float32)  # equal to no batch
        self._epochs: list[np.ndarray] = []
        self._rewritten: list[bool] = []
        self.labels_axes: tuple[int, ...] = ()

    @property
    def widths(self) -> tuple[int, int, int]:
        """How many numbers of a row are inputs, labels and loss."""
        return 2 * self._batch_size, self._batch_size, 1

    def end_epoch(self, steps: np.ndarray) -> float:
        """Look at the steps of an epoch and return their mean loss.

        Args:
            steps: (steps, 3 b + 1) float32, a row a step: inputs, labels and loss, laid flat.
        """
        batches, loss = steps[:, :-1], steps[:, -1]
        inputs, labels = self._split(batches)
        broken = (inputs[..., 0] + inputs[..., 1]) / 2 != labels  # a tenth of the time of mean(axis=-1)
        repeated = np.all(batches == np.concatenate([self._last_batch, batches[:-1]]), axis=1)
        self._last_batch = batches[-1:].copy()  # the rows may be filled again
        columns = (loss, broken.mean(axis=1), broken.any(axis=1), repeated)
        self._epochs.append(np.stack(columns, axis=1).astype(np.float64))
        return float(loss.mean(dtype=np.float64))

    def _split(self, batches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs (n, b, 2) and labels (n, b) of n batches laid flat."""
        rows = self._batch_size
        return batches[:, : 2 * rows].reshape(-1, rows, 2), batches[:, 2 * rows :]

    def note_rewritten(self, is_rewritten: bool) -> None:
        """Note whether the next batch was rewritten between its yield and its reading."""
        self._rewritten.append(is_rewritten)

    def rewritten_share(self, steps: int) -> float | None:
        """Return the share of the last steps whose batch was rewritten, None where nobody could see it."""
        return float(np.mean(self._rewritten[-steps:])) if self._rewritten else None

    def history(self) -> np.ndarray:
        """Return (steps, 4) float64, one row a step of the epochs that are over, in the order of `COLUMNS`."""
        return np.concatenate(self._epochs)

    def last_batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the last batch of the last epoch: inputs (b, 2), labels (b,) or (b, 1) as they came."""
        inputs, labels = self._split(self._last_batch)
        return inputs[0], labels[0].reshape(labels[0].shape + self.labels_axes)


@dataclass(frozen=True)
class Window:
    """The final steps of a training, over which it is judged."""

    loss: float
    standard_error: float
    broken_rows: float
    broken_batches: float
    repeated_batches: float


BLOCKS = 20


def standard_error_by_blocks(values: np.ndarray) -> float:
    """Return the standard error of a mean whose values are not independent.

    Batches repeat, so neighbouring steps correlate; the means of 20 consecutive blocks
    hardly do. Fewer values than two blocks' worth are taken one by one.

    Args:
        values: One value a step, (n,).
    """
    if values.size < 2:
        return 0.0
    block_means = np.array([block.mean() for block in np.array_split(values, min(BLOCKS, values.size))])
    return float(block_means.std(ddof=1) / np.sqrt(block_means.size))


def window_of(history: np.ndarray, steps: int) -> Window:
    """Return the means over the last steps of a history.

    Args:
        history: (all steps, 4), in the order of `COLUMNS`.
        steps: Length of the window.
    """
    last = history[-steps:]
    loss, broken_rows, broken_batches, repeated = last.mean(axis=0)
    return Window(
        loss=float(loss),
        standard_error=standard_error_by_blocks(last[:, 0]),
        broken_rows=float(broken_rows),
        broken_batches=float(broken_batches),
        repeated_batches=float(repeated),
    )
