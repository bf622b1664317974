"""The step that people write by hand: a tape, a loss, an optimizer, and a queue of references before it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from pitfalls.lab.feeds import Delivery, delay_line, threaded_queue
from pitfalls.lab.generators import Batch
from pitfalls.lab.keras.setup import Setup
from pitfalls.lab.labels import with_last_axis

Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def hand_written_step(setup: Setup) -> Step:
    """Return the step, which returns its loss."""
    weights = setup.network.trainable_variables

    def step(inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = setup.loss(labels, setup.network(inputs, training=True))
        if weights:
            setup.optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    if setup.expands_labels:
        return lambda inputs, labels: step(inputs, with_last_axis(labels))
    return step


@contextmanager
def deliveries(setup: Setup, batches: Iterator[Batch]) -> Iterator[Iterator[Delivery]]:
    """Open the queue between generator and model: with its real thread, or as a delay line."""
    feed = setup.config.feed
    if feed.threaded:
        with threaded_queue(batches, feed.places) as queue:
            yield queue
    else:
        yield delay_line(batches, feed.places)


def train_in_chunks(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train many steps in one compiled call, each on a batch as it left the queue."""
    training = setup.config.training
    train_and_record = compiled_chunk(setup)
    with deliveries(setup, batches) as queue:
        for epoch in range(training.epochs):
            for _ in range(training.steps_per_epoch // training.steps_per_execution):
                train_and_record(*next_chunk(setup, queue))
            setup.end_epoch(epoch)


def compiled_chunk(setup: Setup) -> Callable[[np.ndarray, np.ndarray], None]:
    """Return the call that trains and records as many steps as an execution has."""
    training, step = setup.config.training, hand_written_step(setup)
    steps_n = training.steps_per_execution

    @tf.function(jit_compile=training.compile_with_xla)
    def train_chunk(inputs_nb2: tf.Tensor, labels_nb: tf.Tensor) -> tf.Tensor:
        loss_n = tf.TensorArray(tf.float32, steps_n)
        for i in tf.range(steps_n):
            loss_n = loss_n.write(i, step(inputs_nb2[i], labels_nb[i]))
        return loss_n.stack()

    @tf.function
    def train_and_record(inputs_nb2: tf.Tensor, labels_nb: tf.Tensor) -> None:
        setup.step_recorder.record(inputs_nb2, labels_nb, train_chunk(inputs_nb2, labels_nb))

    call: Callable[[np.ndarray, np.ndarray], None] = train_and_record
    return call


def next_chunk(setup: Setup, queue: Iterator[Delivery]) -> tuple[np.ndarray, np.ndarray]:
    """Copy the batches of a call out of the queue one by one, so that each is read when its turn comes."""
    steps_n, batch_size = setup.config.training.steps_per_execution, setup.config.task.batch_size
    inputs_nb2 = np.empty((steps_n, batch_size, 2))
    labels_n = []
    for i in range(steps_n):
        delivery = next(queue)
        inputs_nb2[i], labels = delivery.batch
        labels_n.append(labels.copy())
        setup.recorder.note_rewritten(delivery.is_rewritten())
    return inputs_nb2, np.stack(labels_n)


def train_batch_by_batch(setup: Setup, batches: Iterator[Batch]) -> None:
    """Train one batch for each `queue.get()`, with a step compiled by `tf.function`."""
    training = setup.config.training
    step = hand_written_step(setup)

    @tf.function
    def train_and_record(inputs: tf.Tensor, labels: tf.Tensor) -> None:
        setup.step_recorder.record(inputs, labels, step(inputs, labels))

    compiled = None
    with threaded_queue(batches, setup.config.feed.places) as queue:
        for epoch in range(training.epochs):
            for _ in range(training.steps_per_epoch):
                delivery = next(queue)
                setup.recorder.note_rewritten(delivery.is_rewritten())
                inputs, labels = map(tf.constant, delivery.batch)
                # A concrete function halves the cost of a call.
                compiled = compiled or train_and_record.get_concrete_function(inputs, labels)
                compiled(inputs, labels)
            setup.end_epoch(epoch)
