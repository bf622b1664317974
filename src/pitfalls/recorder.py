"""The recorder: what the model was really given, step by step, seen inside the training step.

The truth of this task is visible in the data: a label is the mean of its inputs, or
the batch is broken. The recorder writes four numbers a step into one variable, in
the same graph as the training, and keeps the last batch.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

COLUMNS = ("loss", "broken_rows", "broken_batches", "repeated_batches")


class Recorder:
    """Records steps inside a graph; read it when the training is over."""

    def __init__(self, steps: int, batch_size: int) -> None:
        """Make room for a training.

        Args:
            steps: Steps of the whole training.
            batch_size: Rows of a batch.
        """
        self._history = tf.Variable(tf.zeros((steps, len(COLUMNS))), trainable=False)
        self._step = tf.Variable(0, trainable=False)
        self._last_inputs_b2 = tf.Variable(tf.fill((batch_size, 2), np.nan), trainable=False)
        self._last_labels_b = tf.Variable(tf.fill((batch_size,), np.nan), trainable=False)
        self._labels_shape: tuple[int, ...] = ()
        self._rewritten: list[bool] = []

    def record(self, inputs_nb2: tf.Tensor, labels_nb: tf.Tensor, loss_n: tf.Tensor) -> None:
        """Record n steps.

        Args:
            inputs_nb2: What the model was given in each step.
            labels_nb: Their labels, (n, b) or (n, b, 1).
            loss_n: The loss of each step.
        """
        self._labels_shape = tuple(labels_nb.shape[2:])
        inputs_nb2 = tf.cast(inputs_nb2, tf.float32)
        labels_nb = tf.reshape(tf.cast(labels_nb, tf.float32), tf.shape(inputs_nb2)[:2])
        broken_nb = tf.cast(tf.reduce_mean(inputs_nb2, axis=-1) != labels_nb, tf.float32)
        before_nb2 = tf.concat([self._last_inputs_b2[tf.newaxis], inputs_nb2[:-1]], axis=0)
        before_nb = tf.concat([self._last_labels_b[tf.newaxis], labels_nb[:-1]], axis=0)
        same_inputs_n = tf.reduce_all(inputs_nb2 == before_nb2, axis=(1, 2))
        same_labels_n = tf.reduce_all(labels_nb == before_nb, axis=1)
        rows_n4 = tf.stack(
            [
                loss_n,
                tf.reduce_mean(broken_nb, axis=1),
                tf.reduce_max(broken_nb, axis=1),
                tf.cast(same_inputs_n & same_labels_n, tf.float32),
            ],
            axis=1,
        )
        steps_n1 = (self._step + tf.range(tf.shape(loss_n)[0]))[:, tf.newaxis]
        self._history.scatter_nd_update(steps_n1, rows_n4)
        self._step.assign_add(tf.shape(loss_n)[0])
        self._last_inputs_b2.assign(inputs_nb2[-1])
        self._last_labels_b.assign(labels_nb[-1])

    def note_rewritten(self, is_rewritten: bool) -> None:
        """Note whether the next batch was rewritten between its yield and its reading."""
        self._rewritten.append(is_rewritten)

    def rewritten_share(self, steps: int) -> float | None:
        """Return the share of the last steps whose batch was rewritten, None where nobody could see it."""
        return float(np.mean(self._rewritten[-steps:])) if self._rewritten else None

    def mean_loss(self, first: int, stop: int) -> float:
        """Return the mean loss of a range of steps that are over."""
        return float(tf.reduce_mean(self._history[first:stop, 0]))

    def history(self) -> np.ndarray:
        """Return (steps, 4) float64, one row a step, in the order of `COLUMNS`."""
        return self._history.numpy().astype(np.float64)

    def last_batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the last batch that was recorded: inputs (b, 2), labels (b,) or (b, 1) as they came."""
        labels_b = self._last_labels_b.numpy()
        return self._last_inputs_b2.numpy(), labels_b.reshape(labels_b.shape + self._labels_shape)


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
