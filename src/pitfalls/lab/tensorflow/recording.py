"""Recording in TensorFlow: each step is copied into one row of a variable, in the training's own graph."""

import tensorflow as tf

from pitfalls.lab.recorder import Recorder


class GraphRecorder:
    """Copies steps inside a graph; `end_epoch` hands them to the recorder."""

    def __init__(self, recorder: Recorder, steps_per_epoch: int) -> None:
        """Make room for an epoch.

        Args:
            recorder: Looks at the rows.
            steps_per_epoch: Steps between two calls of `end_epoch`, at most.
        """
        self._recorder = recorder
        self._steps = tf.Variable(tf.zeros((steps_per_epoch, sum(recorder.widths))), trainable=False)
        self._step = tf.Variable(0, trainable=False)

    def record(self, inputs: tf.Tensor, labels: tf.Tensor, loss: tf.Tensor) -> None:
        """Record one step, or n at once.

        Args:
            inputs: What the model was given, (b, 2) or (n, b, 2).
            labels: Their labels, with the same leading axes; a last axis of one may follow.
            loss: The loss, a scalar or (n,).
        """
        self._recorder.labels_axes = tuple(labels.shape[len(inputs.shape) - 1 :])
        parts = zip((inputs, labels, loss), self._recorder.widths, strict=True)
        rows = tf.concat(
            [tf.reshape(tf.cast(part, tf.float32), (-1, width)) for part, width in parts], axis=1
        )
        places = self._step + tf.range(rows.shape[0])
        self._steps.scatter_nd_update(places[:, tf.newaxis], rows)
        self._step.assign_add(rows.shape[0])

    def end_epoch(self) -> float:
        """Hand on the steps since the last call, make room for as many, and return their mean loss."""
        steps = self._steps.numpy()[: int(self._step)]
        self._step.assign(0)
        return self._recorder.end_epoch(steps)
