"""Generators that leave alone what they have yielded, however suspicious they look."""

import itertools
import random
from collections import deque

import numpy as np

RNG = np.random.default_rng


def fresh_arrays():
    rng = RNG(0)
    while True:
        x = rng.random((8, 2))
        yield x, x.mean(-1, keepdims=True)


def one_constant_array():
    x, y = np.zeros((8, 2)), np.ones((8, 1))
    while True:
        yield x, y


def constant_rewritten_with_the_same_values():
    weights, rng = np.ones(8), RNG(0)
    while True:
        weights[:] = 1
        yield rng.random((8, 2)), rng.random(8), weights


def nan_rewritten_with_nan():
    x = np.full((4, 2), np.nan)
    while True:
        x[:] = np.nan
        yield x, np.ones(4)


def negated_twice():
    x = RNG(0).random((4, 2))
    while True:
        np.negative(x, out=x)
        np.negative(x, out=x)
        yield x, np.ones(4)


def slices_of_data_never_written():
    data, labels = RNG(0).random((40, 2)), np.arange(40)
    while True:
        for start in range(0, 40, 8):
            yield data[start : start + 8], labels[start : start + 8]


def overlapping_windows():
    series = RNG(0).random(200)
    for start in itertools.cycle(range(0, 180, 3)):
        yield np.lib.stride_tricks.sliding_window_view(series[start : start + 20], 5), np.ones(16)


def buffer_yielded_as_a_copy():
    x, rng = np.zeros((8, 2)), RNG(0)
    while True:
        x[:] = rng.random((8, 2))
        yield x.copy(), np.ones(8)


def buffer_yielded_through_an_index_array():
    x, rng = np.zeros((8, 2)), RNG(0)
    while True:
        x[:] = rng.random((8, 2))
        yield x[np.arange(8)], np.ones(8)


def reallocated_after_each_yield():
    x, rng = np.zeros((8, 2)), RNG(0)
    while True:
        x[:] = rng.random((8, 2))
        yield x, np.ones(8)
        x = np.zeros((8, 2))


def name_outside_bound_again_inside():
    x = np.zeros((8, 2))
    rng = RNG(0)
    while True:
        x = rng.random((8, 2))
        x *= 2
        yield x, np.ones(8)


def memory_that_the_allocator_gives_out_again():
    rng = RNG(0)
    while True:
        x = rng.random((64, 512))
        yield x, np.ones(64)
        del x


def data_set_shuffled_through_indices():
    data, order = RNG(0).random((40, 2)), np.arange(40)
    while True:
        np.random.shuffle(order)
        for start in range(0, 40, 8):
            yield data[order[start : start + 8]], order[start : start + 8].copy()


def data_set_shuffled_once_before():
    data = RNG(0).random((40, 2))
    np.random.shuffle(data)
    for start in itertools.cycle(range(0, 40, 8)):
        yield data[start : start + 8], np.ones(8)


def lists_made_anew():
    while True:
        rows = [[random.random(), random.random()] for _ in range(4)]
        yield rows, [sum(row) for row in rows]


def list_filled_and_converted():
    rows = []
    for i in itertools.count():
        rows.append([float(i), float(i)])
        if len(rows) == 4:
            yield np.array(rows), np.ones(4)
            rows.clear()


def dictionaries_made_anew():
    rng = RNG(0)
    while True:
        yield {"image": rng.random((4, 3)), "scale": 2}, {"out": rng.random(4)}


def same_dictionary_of_the_same_arrays():
    inputs = {"image": RNG(0).random((4, 3))}
    while True:
        inputs["image"] = inputs["image"].copy()
        yield inputs, np.ones(4)


def keeps_references_and_reads_them():
    rng, past = RNG(0), deque(maxlen=20)
    while True:
        past.append(rng.random((4, 3)))
        yield past[-1], np.full(4, sum(p.sum() for p in past))


def ring_wider_than_any_queue():
    ring, rng = np.zeros((40, 4, 3)), RNG(0)
    for i in itertools.count():
        ring[i % 40] = rng.random((4, 3))
        yield ring[i % 40], np.ones(4)


def writes_only_to_what_it_keeps():
    seen, rng = np.zeros(100), RNG(0)
    while True:
        order = rng.integers(0, 100, 4)
        seen[order] += 1
        yield rng.random((4, 3)), seen[order]


def other_half_of_one_array():
    both, rng = np.zeros((2, 4, 3)), RNG(0)
    both[0] = rng.random((4, 3))
    while True:
        both[1] = rng.random((4, 3))
        yield both[0], np.ones(4)


def prepared_batches_in_a_cycle():
    rng = RNG(0)
    yield from itertools.cycle([(rng.random((4, 3)), rng.random(4)) for _ in range(6)])


def zero_size_and_scalars():
    while True:
        yield np.zeros((0, 3)), np.float32(1.0), 2.5


def none_in_place_of_weights():
    rng = RNG(0)
    while True:
        yield rng.random((4, 3)), rng.random(4), None


def padding_bytes_that_differ():
    kind = np.dtype([("flag", "i1"), ("value", "f8")], align=True)
    memory = bytearray(kind.itemsize * 4)
    for i in itertools.count():
        for record in range(4):
            memory[record * kind.itemsize + 3] = i % 251
        yield np.frombuffer(memory, dtype=kind), np.ones(4)


def extended_precision_with_dirty_padding():
    values = np.zeros(4, dtype=np.longdouble)
    raw = values.view(np.uint8).reshape(4, -1)
    for i in itertools.count():
        if np.dtype(np.longdouble).itemsize == 16:
            raw[:, -1] = i % 251
        yield values, np.ones(4)


def last_batch_is_smaller():
    data = RNG(0).random((42, 2))
    while True:
        for start in range(0, 42, 8):
            yield data[start : start + 8].copy(), np.ones(len(data[start : start + 8]))


def words_of_different_lengths():
    for i in itertools.count():
        yield np.array(["w" * (1 + (i + k) % 7) for k in range(4)]), np.ones(4)


def ends_after_three():
    for i in range(3):
        yield np.full((4, 2), float(i)), np.ones(4)


class SequenceOfSlices:
    def __init__(self):
        self.data, self.order = RNG(0).random((40, 3)), list(range(10))

    def __len__(self):
        return 10

    def __getitem__(self, index):
        start = 4 * self.order[index]
        return self.data[start : start + 4], np.ones(4)


class IteratorOfCopies:
    def __init__(self):
        self.buffer, self.rng = np.zeros((4, 3)), RNG(0)

    def __iter__(self):
        return self

    def __next__(self):
        self.rng.random(out=self.buffer)
        return np.array(self.buffer), np.ones(4)


class CountedBatch:
    """An object that counts how often it was asked for, around fresh arrays."""

    def __init__(self, x):
        self.x, self.seen = x, 0


def objects_that_count():
    """One object whose counter changes after the yield; its arrays do not."""
    batch = CountedBatch(np.random.default_rng(0).random((8, 2)))
    while True:
        yield batch
        batch.seen += 1


ALL = [
    objects_that_count,
    fresh_arrays,
    one_constant_array,
    constant_rewritten_with_the_same_values,
    nan_rewritten_with_nan,
    negated_twice,
    slices_of_data_never_written,
    overlapping_windows,
    buffer_yielded_as_a_copy,
    buffer_yielded_through_an_index_array,
    reallocated_after_each_yield,
    name_outside_bound_again_inside,
    memory_that_the_allocator_gives_out_again,
    data_set_shuffled_through_indices,
    data_set_shuffled_once_before,
    lists_made_anew,
    list_filled_and_converted,
    dictionaries_made_anew,
    same_dictionary_of_the_same_arrays,
    keeps_references_and_reads_them,
    ring_wider_than_any_queue,
    writes_only_to_what_it_keeps,
    other_half_of_one_array,
    prepared_batches_in_a_cycle,
    zero_size_and_scalars,
    none_in_place_of_weights,
    padding_bytes_that_differ,
    extended_precision_with_dirty_padding,
    last_batch_is_smaller,
    words_of_different_lengths,
    ends_after_three,
    SequenceOfSlices,
    IteratorOfCopies,
]
