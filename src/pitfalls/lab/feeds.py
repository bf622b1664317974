"""Feeds: how batches travel from the generator to the model.

A queue of references holds ten batches that the generator may since have refilled.
`delay_line` is that queue when it stands full, exactly and without a thread;
`threaded_queue` has the real thread, with its race. Both give each batch with a copy
of what the generator had yielded, so that a rewrite can be seen. `fit` needs no feed of ours.
"""

import queue
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from pitfalls.lab.generators import Batch


class Delivery(NamedTuple):
    """A batch as it leaves a queue, and the bytes of its arrays as they were yielded."""

    batch: Batch
    as_yielded: tuple[bytes, bytes]

    def is_rewritten(self) -> bool:
        """Tell whether the batch no longer holds what the generator had yielded."""
        return bytes_of(self.batch) != self.as_yielded


def bytes_of(batch: Batch) -> tuple[bytes, bytes]:
    """Return what a batch holds; a twentieth of the time in which arrays are compared."""
    inputs, labels = batch
    return inputs.tobytes(), labels.tobytes()


def note(batch: Batch) -> Delivery:
    """Return the batch with a copy of what it holds now."""
    return Delivery(batch, bytes_of(batch))


def delay_line(batches: Iterator[Batch], depth: int) -> Iterator[Delivery]:
    """Deliver batch k once batch k + depth has been written: a queue that stands full.

    The training step was the slow side in 2019, so the queue of `fit_generator` was
    full whenever a batch was taken from it.

    Args:
        batches: The generator.
        depth: References held, 10 in Keras.
    """
    held: deque[Delivery] = deque()
    for batch in batches:
        held.append(note(batch))
        if len(held) > depth:
            yield held.popleft()


@contextmanager
def threaded_queue(batches: Iterator[Batch], depth: int) -> Iterator[Iterator[Delivery]]:
    """Fill a queue of references from a thread while the context lasts.

    Args:
        batches: The generator; pulled by the thread alone.
        depth: Length of the queue.

    Raises:
        Exception: What the generator raised, in the consumer.
    """
    line: queue.Queue[Delivery | Exception] = queue.Queue(depth)
    stopped = threading.Event()

    def fill() -> None:
        try:
            for batch in batches:
                line.put(note(batch))  # without a time limit, which would cost 30 microseconds a step
                if stopped.is_set():
                    return
            raise RuntimeError("the generator ended before the training did")
        except Exception as error:
            line.put(error)

    def drain() -> Iterator[Delivery]:
        while True:
            item = line.get()
            if isinstance(item, Exception):
                raise item
            yield item

    producer = threading.Thread(target=fill, name="producer", daemon=True)
    producer.start()
    try:
        yield drain()
    finally:
        stopped.set()
        while producer.is_alive():
            with suppress(queue.Empty):
                line.get(timeout=0.1)  # it may wait for a place
