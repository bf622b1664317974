"""Feeds: what a queue of references holds when it is read, and how its threads begin and end."""

import threading
import time
from itertools import islice

import numpy as np
import pytest

from pitfalls.lab.feeds import delay_line, note, threaded_queue
from pitfalls.lab.keras.fit import SharedGenerator


def counting(reuses: bool, stop: int = 10**6):
    """Yield batches whose inputs and labels hold 0, 1, 2 ...; the inputs in one buffer if they are reused."""
    buffer = np.zeros((2, 2))
    for k in range(stop):
        inputs = buffer if reuses else np.zeros((2, 2))
        inputs[...] = k
        yield inputs, np.full((2, 1), float(k))


def read(delivery):
    """Return what inputs and labels of a delivery hold now."""
    inputs, labels = delivery.batch
    return int(inputs[0, 0]), int(labels[0, 0])


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_the_delay_line_hands_on_batch_k_when_batch_k_plus_depth_was_written(depth):
    """A full queue exactly: its labels are batch k's, a reused buffer's content is batch k + depth's."""
    line = delay_line(counting(reuses=True), depth)
    assert [read(delivery) for delivery in islice(line, 5)] == [(k + depth, k) for k in range(5)]


def test_the_delay_line_hands_on_fresh_arrays_as_they_were():
    """In order, none left out."""
    line = delay_line(counting(reuses=False), 10)
    assert [read(delivery) for delivery in islice(line, 20)] == [(k, k) for k in range(20)]


@pytest.mark.parametrize("reuses", [False, True])
def test_a_delivery_tells_whether_its_batch_was_rewritten(reuses):
    """Against the copy that was made when it was yielded."""
    line = delay_line(counting(reuses), 2)
    assert [delivery.is_rewritten() for delivery in islice(line, 4)] == [reuses] * 4


def test_a_rewrite_of_the_labels_alone_is_seen_and_the_same_values_are_none():
    """Either array counts; refilling with equal numbers changes nothing that a model could see."""
    inputs, labels = np.zeros((2, 2)), np.zeros((2, 1))
    delivery = note((inputs, labels))
    inputs[...] = 0.0
    assert not delivery.is_rewritten()
    labels[1] = 5.0
    assert delivery.is_rewritten()


def test_a_threaded_queue_hands_on_every_batch_in_order():
    """References, from a thread of its own, which is gone afterwards."""
    with threaded_queue(counting(reuses=False), 10) as line:
        assert [read(delivery) for delivery in islice(line, 50)] == [(k, k) for k in range(50)]
        assert any(thread.name == "producer" for thread in threading.enumerate())
    assert not any(thread.name == "producer" for thread in threading.enumerate())


def test_a_threaded_queue_that_stands_full_holds_later_inputs_with_earlier_labels():
    """The article's bug with its real thread: a slow reader meets a buffer that is depth batches on."""
    with threaded_queue(counting(reuses=True), 10) as line:
        seen = []
        for delivery in islice(line, 5):
            time.sleep(0.05)  # the queue fills up behind it
            seen.append((read(delivery), delivery.is_rewritten()))
    assert all(is_rewritten and inputs >= labels + 9 for (inputs, labels), is_rewritten in seen)


def test_a_threaded_queue_hands_on_its_generator_s_error():
    """After the batches that came before it, in the consumer, as it was raised."""

    def breaking():
        yield from counting(reuses=False, stop=3)
        raise ZeroDivisionError("third batch")

    with threaded_queue(breaking(), 10) as line:
        assert [read(next(line)) for _ in range(3)] == [(0, 0), (1, 1), (2, 2)]
        with pytest.raises(ZeroDivisionError, match="third batch"):
            next(line)
    assert not any(thread.name == "producer" for thread in threading.enumerate())


def test_a_generator_that_ends_is_an_error_and_no_endless_wait():
    """The consumer would wait for ever for a batch that never comes."""
    with threaded_queue(counting(reuses=False, stop=2), 10) as line:
        next(line), next(line)
        with pytest.raises(RuntimeError, match="the generator ended before the training did"):
            next(line)


@pytest.mark.parametrize("reuses", [False, True])
def test_an_error_in_the_training_ends_the_thread_too(reuses):
    """Though the queue is full and the thread waits to put its next batch."""
    with pytest.raises(KeyError), threaded_queue(counting(reuses), 2) as line:
        next(line)
        raise KeyError
    assert not any(thread.name == "producer" for thread in threading.enumerate())


def slow(stop: int):
    """Yield numbered batches, slowly enough for two threads to meet inside."""
    for k in range(stop):
        time.sleep(0.0005)
        yield np.full((1, 2), float(k)), np.full((1, 1), float(k))


def pulled_by_four_threads(pull) -> tuple[list[int], list[Exception]]:
    """Return what four threads got, and what they met."""
    got, met = [], []

    def work():
        try:
            for _ in range(50):
                got.append(int(pull()[1][0, 0]))
        except ValueError as error:
            met.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got, met


def test_a_shared_generator_may_be_pulled_by_many_threads():
    """Every batch once, none lost, no error."""
    shared = SharedGenerator(slow(200), workers=2, max_queue_size=10)
    got, met = pulled_by_four_threads(lambda: shared[0])
    assert not met and sorted(got) == list(range(200))


def test_a_plain_generator_may_not():
    """What the lock is for: the test above can fail."""
    plain = slow(200)
    _, met = pulled_by_four_threads(lambda: next(plain))
    assert met and "generator already executing" in str(met[0])


def test_a_shared_generator_is_endless_and_says_how_it_wants_to_be_pulled():
    """Keras asks for the workers, the queue and the length."""
    shared = SharedGenerator(slow(1), workers=2, max_queue_size=10)
    assert (shared.workers, shared.max_queue_size, shared.num_batches) == (2, 10, None)
    assert shared.use_multiprocessing is False
