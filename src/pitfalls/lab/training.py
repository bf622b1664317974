"""Training: builds a run from its configuration, trains it, and returns what it measured.

Each feed has its way to train. `fit` and `workers` are Keras's own `fit`; the other
two are a hand-written step, called for many batches at once (full_queue) or for one
batch at a time (thread_queue). All record through one recorder, inside the step.
"""

import platform
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from hydra.utils import get_method
from omegaconf import DictConfig
from tensorflow.python.eager.context import function_executor_type

from pitfalls.config.schema import Cell, learning_rate_steps
from pitfalls.errors import DivergedError
from pitfalls.lab.feeds import Delivery, SharedGenerator, delay_line, threaded_queue
from pitfalls.lab.generators import Batch, make_configured, reused_buffer_offsets
from pitfalls.lab.recorder import Recorder, window_of
from pitfalls.lab.tensorflow import losses
from pitfalls.report.progress import EpochHook

SCHEMA = 1

EXAMPLE_INPUTS = (73, 57)
"""The pair that the article asks its models for; their mean is 65."""

STEP_EXECUTOR = "SINGLE_THREADED_EXECUTOR"
"""A step is a few dozen operations of microseconds; TensorFlow's default hands each to a pool of threads.

Only where a call is one step: a call of many pulls the iterator from a loop in the graph, and one
thread then waits for itself for ever.
"""

PARTS = 30
"""A race's share is told for so many parts of a training, as it may settle late (docs/decisions/0006)."""

GRID_POINTS = 6
"""Each of the two inputs takes this many values in the grid of answers."""


@dataclass(frozen=True)
class Trained:
    """A finished training: its result.json as plain types, and the model."""

    result: dict[str, Any]
    model: keras.Model


@dataclass(frozen=True)
class Setup:
    """What the ways to train share."""

    config: DictConfig
    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: keras.losses.Loss
    recorder: Recorder
    on_epoch_end: EpochHook


def train(config: DictConfig, cell: Cell, on_epoch_end: EpochHook = lambda epoch, loss: None) -> Trained:
    """Train one run and measure it.

    Args:
        config: A checked configuration.
        cell: The run's place in the matrix.
        on_epoch_end: Told the loss of each epoch, for a progress bar.

    Returns:
        The measurements, with the keys of result.json except `fingerprint` and
        `mlflow_run_id`, and the trained functional model.
    """
    started = time.perf_counter()
    keras.backend.clear_session(free_memory=False)  # collecting garbage would take a third of a short run
    keras.utils.set_random_seed(cell.seed)
    training = config.training
    steps = training.epochs * training.steps_per_epoch
    model = get_method(config.model._target_)()
    optimizer = make_optimizer(training.learning_rate)
    if model.trainable_variables:
        optimizer.build(model.trainable_variables)  # variables made inside a trace cost a second trace
    setup = Setup(
        config=config,
        model=model,
        optimizer=optimizer,
        loss=getattr(losses, config.loss.kind)(),
        recorder=Recorder(training.steps_per_epoch, config.task.batch_size),
        on_epoch_end=on_epoch_end,
    )
    fresh, batches = make_configured(config), make_configured(config)
    begun = time.perf_counter()
    with function_executor_type(STEP_EXECUTOR if training.steps_per_execution == 1 else ""):
        WAYS_TO_TRAIN[config.feed.kind](setup, batches)
    seconds = time.perf_counter() - begun
    history = setup.recorder.history()
    refuse_diverged(history[:, 0], training.learning_rate)
    window_steps = min(training.window_steps, max(1, steps // 2))  # the beginning is never judged
    window = window_of(history, window_steps)
    result = {
        "schema": SCHEMA,
        "cell": asdict(cell),
        "listing": config.listing,
        "task": {"high": config.task.high, "batch_size": config.task.batch_size},
        "mechanism": {
            "feed": config.feed.kind,
            "threaded": config.feed.threaded,
            "labels": config.labels,
            "loss": config.loss.kind,
            "trainable_parameters": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        },
        "training": {
            "optimizer": training.optimizer,
            "learning_rate": learning_rate_steps(training.learning_rate),
            "epochs": training.epochs,
            "steps_per_epoch": training.steps_per_epoch,
            "steps_per_execution": training.steps_per_execution,
        },
        "loss": by_epoch(history[:, 0], training.steps_per_epoch),
        "final_loss": window.loss,
        "standard_error": window.standard_error,
        "window_steps": window_steps,
        "broken_batches": window.broken_batches,
        "broken_rows": window.broken_rows,
        "broken_rows_over_time": over_time(history[:, 1]),
        "repeated_batches": window.repeated_batches,
        "rewritten_batches": setup.recorder.rewritten_share(window_steps),
        "shapes": shapes(setup),
        "prediction": example_prediction(model, config.task.high),
        "answers": answers(model, config.task.high),
        "versions": versions(),
        "buffer_address_mod_64": reused_buffer_offsets(fresh),
    }
    result["seconds"] = {
        "total": time.perf_counter() - started,
        "training": seconds,
        "per_step": seconds / steps,
    }
    return Trained(result, model)


def refuse_diverged(loss_s: np.ndarray, learning_rate: Any) -> None:
    """Refuse a training whose loss is no number any more: there is nothing to judge.

    Raises:
        DivergedError: Names the step and the rate.
    """
    wrong = np.flatnonzero(~np.isfinite(loss_s))
    if wrong.size:
        raise DivergedError(
            f"the loss is {loss_s[wrong[0]]} from step {wrong[0]} on, at training.learning_rate={learning_rate}.\n"
            "Nothing was written. Give a smaller rate: 0.1 and below train well here."
        )


def make_optimizer(learning_rate: Any) -> keras.optimizers.Optimizer:
    """Return RMSprop with a constant or stepped learning rate."""
    firsts, rates = zip(*learning_rate_steps(learning_rate), strict=True)
    if len(rates) == 1:
        return keras.optimizers.RMSprop(rates[0])
    # Keras changes the rate after a boundary, so the step before each first step is it.
    boundaries = [first - 1 for first in firsts[1:]]
    return keras.optimizers.RMSprop(keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates))


# --- Keras's own fit -------------------------------------------------------------------------------


class ObservedModel(keras.Model):
    """A functional model whose training step is Keras's own, with the recorder beside it."""

    def observe(self, recorder: Recorder, expand_labels: bool) -> None:
        """Give the model its recorder; `expand_labels` gives flat labels a last axis, as Keras 2.2 did."""
        self._recorder = recorder
        self._expand_labels = expand_labels
        self._iterator: deque[Any] = deque(maxlen=1)

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras's own function, and keep the iterator that it is given: `let_iterator_go` says why."""
        super().make_train_function(force)
        train = self.train_function  # type: ignore[has-type]  # Keras sets it

        def keep_and_train(iterator: Any) -> Any:
            self._iterator.append(iterator)
            return train(iterator)

        self.train_function = keep_and_train

    def let_iterator_go(self) -> None:
        """Let the iterator go in a thread of its own: it may take as long as the training did.

        tf.data tunes its buffers from a thread that sleeps 10 ms, then twice as long each
        time. An iterator over a Python generator mostly waits for that sleep to end before
        it goes (TensorFlow 2.21), and `fit` does not return before.
        """
        threading.Thread(target=self._iterator.clear, daemon=True).start()

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """Return Keras's own loss, and keep it for the recorder."""
        self._loss_now = super().compute_loss(*args, **kwargs)
        return self._loss_now

    def train_step(self, data: Any) -> Any:
        """Run Keras's own step and record what it was given."""
        inputs, labels = data
        logs = super().train_step((inputs, with_last_axis(labels) if self._expand_labels else labels))
        self._recorder.record(inputs, labels, self._loss_now)
        return logs


def with_last_axis(labels: Any) -> Any:
    """Return labels as (b, 1), whether they came so or as (b,)."""
    return labels[:, np.newaxis] if len(labels.shape) == 1 else labels


def fit(setup: Setup, batches: Any) -> None:
    """Train with Keras's `fit`, which takes the generator itself, or a PyDataset."""
    training = setup.config.training
    observed = ObservedModel(setup.model.inputs, setup.model.outputs)
    observed.observe(setup.recorder, setup.config.labels == "expanded")
    observed.compile(
        optimizer=setup.optimizer, loss=setup.loss, steps_per_execution=training.steps_per_execution
    )
    report = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: report_epoch(setup, epoch))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The model does not have any trainable weights")
        observed.fit(
            batches,
            epochs=training.epochs,
            steps_per_epoch=training.steps_per_epoch,
            callbacks=[report],
            shuffle=False,
            verbose=0,
        )
    observed.let_iterator_go()


def fit_with_workers(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train with `fit` on a PyDataset whose worker threads share the generator behind a lock."""
    feed = setup.config.feed
    fit(setup, SharedGenerator(batches, workers=feed.workers, max_queue_size=feed.depth))


# --- a hand-written step ---------------------------------------------------------------------------


def hand_written_step(setup: Setup) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return the step that people write by hand: a tape, a loss, an optimizer; it returns the loss."""
    weights = setup.model.trainable_variables

    def step(inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = setup.loss(labels, setup.model(inputs, training=True))
        if weights:
            setup.optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    if setup.config.labels == "expanded":
        return lambda inputs, labels: step(inputs, with_last_axis(labels))
    return step


@contextmanager
def deliveries(setup: Setup, batches: Iterator[Batch]) -> Iterator[Iterator[Delivery]]:
    """Open the queue between generator and model: with its real thread, or as a delay line."""
    feed = setup.config.feed
    if feed.threaded:
        with threaded_queue(batches, feed.depth) as queue:
            yield queue
    else:
        yield delay_line(batches, feed.depth)


def train_in_chunks(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train many steps in one compiled call, each on a batch as it left the queue.

    The batches of a call are copied out of the queue one by one, so each is read when
    its turn comes; only the calls into TensorFlow are grouped.
    """
    training, task = setup.config.training, setup.config.task
    step = hand_written_step(setup)
    steps_n = training.steps_per_execution

    @tf.function(jit_compile=training.compile_with_xla)
    def train_chunk(inputs_nb2: tf.Tensor, labels_nb: tf.Tensor) -> tf.Tensor:
        loss_n = tf.TensorArray(tf.float32, steps_n)
        for i in tf.range(steps_n):
            loss_n = loss_n.write(i, step(inputs_nb2[i], labels_nb[i]))
        return loss_n.stack()

    @tf.function
    def train_and_record(inputs_nb2: tf.Tensor, labels_nb: tf.Tensor) -> None:
        setup.recorder.record(inputs_nb2, labels_nb, train_chunk(inputs_nb2, labels_nb))

    inputs_nb2 = np.empty((steps_n, task.batch_size, 2))
    with deliveries(setup, batches) as queue:
        for epoch in range(training.epochs):
            for _ in range(training.steps_per_epoch // steps_n):
                labels_n = []
                for i in range(steps_n):
                    delivery = next(queue)
                    inputs_nb2[i], labels = delivery.batch
                    labels_n.append(labels.copy())
                    setup.recorder.note_rewritten(delivery.is_rewritten())
                train_and_record(inputs_nb2, np.stack(labels_n))
            report_epoch(setup, epoch)


def train_batch_by_batch(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train one batch for each `queue.get()`, with a step compiled by `tf.function`."""
    training = setup.config.training
    step = hand_written_step(setup)

    @tf.function
    def train_and_record(inputs: tf.Tensor, labels: tf.Tensor) -> None:
        setup.recorder.record(inputs, labels, step(inputs, labels))

    compiled = None
    with threaded_queue(batches, setup.config.feed.depth) as queue:
        for epoch in range(training.epochs):
            for _ in range(training.steps_per_epoch):
                delivery = next(queue)
                setup.recorder.note_rewritten(delivery.is_rewritten())
                inputs, labels = map(tf.constant, delivery.batch)
                # A concrete function halves the cost of a call.
                compiled = compiled or train_and_record.get_concrete_function(inputs, labels)
                compiled(inputs, labels)
            report_epoch(setup, epoch)


def report_epoch(setup: Setup, epoch: int) -> None:
    """End an epoch in the recorder, and tell the hook its mean loss."""
    setup.on_epoch_end(epoch, setup.recorder.end_epoch())


WAYS_TO_TRAIN: dict[str, Callable[[Setup, Any], None]] = {
    "fit": fit,
    "workers": fit_with_workers,
    "full_queue": train_in_chunks,
    "thread_queue": train_batch_by_batch,
}


# --- what is measured once, when the training is over ----------------------------------------------


def shapes(setup: Setup) -> dict[str, list[int | None]]:
    """Return every shape of the last batch that the model was given, declared and real."""
    inputs, labels = setup.recorder.last_batch()
    prediction = np.asarray(setup.model(inputs))
    given = with_last_axis(labels) if setup.config.labels == "expanded" else labels
    return {
        "inputs": list(inputs.shape),
        "labels": list(labels.shape),
        "declared_output": list(setup.model.output_shape),
        "prediction": list(prediction.shape),
        "loss_difference_before_repair": list(np.broadcast_shapes(labels.shape, prediction.shape)),
        "loss_difference": losses.difference_shape(setup.loss, given, prediction),
    }


def example_prediction(model: keras.Model, high: int) -> dict[str, Any] | None:
    """Return what the model answers for [[73, 57]], or None where 73 is never drawn."""
    if high <= max(EXAMPLE_INPUTS):
        return None
    answer = np.asarray(model(np.array([EXAMPLE_INPUTS], dtype=np.float64)))
    return {
        "inputs": list(EXAMPLE_INPUTS),
        "label": sum(EXAMPLE_INPUTS) / 2,
        "value": float(answer.reshape(-1)[0]),
    }


def answers(model: keras.Model, high: int) -> dict[str, Any]:
    """Return what the model answers for a grid of pairs over the whole range, row by row."""
    points = np.linspace(0, high - 1, GRID_POINTS)
    inputs_n2 = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    return {"inputs": inputs_n2.tolist(), "values": np.ravel(model(inputs_n2)).astype(float).tolist()}


def by_epoch(value_s: np.ndarray, steps_per_epoch: int) -> list[float]:
    """Return the mean of each epoch's steps."""
    return value_s.reshape(-1, steps_per_epoch).mean(axis=1).tolist()


def over_time(value_s: np.ndarray) -> list[float]:
    """Return the mean of each of `PARTS` parts of a training, of each step in a shorter one."""
    return [float(part.mean()) for part in np.array_split(value_s, min(PARTS, value_s.size))]


def versions() -> dict[str, str]:
    """Return the versions that a measurement depends on."""
    packages = ("numpy", "tensorflow-cpu", "keras")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}
