"""Generators that change what they have yielded: each one a mechanism met in real code."""

import array
import ctypes
import itertools
import random
from collections import deque, namedtuple
from dataclasses import dataclass

import numpy as np

RNG = np.random.default_rng
Sample = namedtuple("Sample", "image target")


def reused_inputs():
    x = np.zeros((8, 2))
    while True:
        y = np.zeros((8, 1))
        for i in range(8):
            x[i] = np.random.randint(0, 100, 2)
            y[i] = x[i].mean()
        yield x, y


def reused_labels():
    y, rng = np.zeros((8, 1)), RNG(0)
    while True:
        x = rng.random((8, 2))
        y[:] = x.mean(-1, keepdims=True)
        yield x, y


def reused_pair_with_a_view_as_label():
    x, mean, rng = np.zeros((8, 2)), np.zeros(8), RNG(0)
    while True:
        x[:] = rng.random((8, 2))
        np.mean(x, axis=1, out=mean)
        yield x, np.expand_dims(mean, -1)


def new_view_of_old_memory():
    buffer, rng = np.zeros((8, 2)), RNG(0)
    while True:
        buffer[...] = rng.random((8, 2))
        yield buffer[:], np.ones(8)


def new_object_from_the_same_bytes():
    memory, rng = bytearray(8 * 2 * 8), RNG(0)
    while True:
        x = np.frombuffer(memory, dtype=float).reshape(8, 2)
        x[:] = rng.random((8, 2))
        yield x, np.ones(8)


def two_rotating_buffers():
    buffers, rng = [np.zeros((4, 3)) for _ in range(2)], RNG(0)
    for i in itertools.count():
        buffers[i % 2][:] = rng.random((4, 3))
        yield buffers[i % 2], np.ones(4)


def five_rotating_buffers():
    buffers, rng = [np.zeros((4, 3)) for _ in range(5)], RNG(0)
    for i in itertools.count():
        buffers[i % 5][:] = rng.random((4, 3))
        yield buffers[i % 5], np.ones(4)


def ring_in_one_array():
    ring, rng = np.zeros((7, 4, 3)), RNG(0)
    for i in itertools.count():
        ring[i % 7] = rng.random((4, 3))
        yield ring[i % 7], np.ones(4)


def buffer_every_third_batch():
    buffer, rng = np.zeros((4, 3)), RNG(0)
    for i in itertools.count():
        if i % 3 == 2:
            buffer[:] = rng.random((4, 3))
            yield buffer, np.ones(4)
        else:
            yield rng.random((4, 3)), np.ones(4)


def one_row_of_a_large_buffer():
    x, rng = np.zeros((64, 4096)), RNG(0)
    for i in itertools.count():
        x[i % 64] = rng.random(4096)
        yield x, np.ones(64)


def one_value_of_a_buffer():
    x = np.zeros((64, 64), dtype=np.float32)
    for i in itertools.count():
        x[17, 33] = i
        yield x, np.ones(64)


def data_set_shuffled_in_place():
    data = np.arange(80.0).reshape(40, 2)
    while True:
        np.random.shuffle(data)
        for start in range(0, 40, 8):
            yield data[start : start + 8], np.ones(8)


def data_set_shuffled_by_another_method():
    data, rng = np.arange(40), RNG(0)
    while True:
        rng.shuffle(data)
        yield from (data[start : start + 8] for start in range(0, 40, 8))


def list_shuffled_in_place():
    rows = [[float(i), float(i)] for i in range(16)]
    while True:
        random.shuffle(rows)
        yield rows, [1.0] * 16


def changed_after_the_yield():
    rng = RNG(0)
    while True:
        x = rng.random((4, 3))
        yield x, np.ones(4)
        x -= x.mean()


def changed_three_batches_later():
    rng, past = RNG(0), deque(maxlen=4)
    while True:
        past.append(rng.random((4, 3)))
        yield past[-1], np.ones(4)
        if len(past) == 4:
            past[0] *= 0.5


def changed_when_it_ends():
    x = np.ones((4, 3))
    yield x, np.ones(4)
    yield np.ones((4, 3)), np.ones(4)
    x[:] = 0


def augmented_in_place():
    images = RNG(0).random((12, 5, 5))
    while True:
        for start in range(0, 12, 4):
            batch = images[start : start + 4]
            batch += 0.01
            yield batch, np.ones(4)


def nested_inputs():
    a, b, rng = np.zeros((4, 3)), np.zeros((4, 2)), RNG(0)
    while True:
        b[:] = rng.random((4, 2))
        yield [a.copy(), b], np.ones(4)


def inputs_by_name():
    a, rng = np.zeros((4, 3)), RNG(0)
    while True:
        a[:] = rng.random((4, 3))
        yield {"image": a, "other": rng.random(4)}, {"out": np.ones(4)}


def reused_sample_weights():
    weights, rng = np.zeros(4), RNG(0)
    while True:
        weights[:] = rng.random(4)
        yield rng.random((4, 2)), rng.random(4), weights


def reused_dictionary():
    inputs, rng = {}, RNG(0)
    while True:
        inputs["image"] = rng.random((4, 3))
        yield inputs, np.ones(4)


def reused_list_of_inputs():
    inputs, rng = [None, None], RNG(0)
    while True:
        inputs[0], inputs[1] = rng.random((4, 3)), rng.random((4, 2))
        yield inputs, np.ones(4)


def refilled_plain_list():
    labels, rng = [], RNG(0)
    while True:
        labels.clear()
        labels.extend(rng.random(4).tolist())
        yield rng.random((4, 2)), labels


def refilled_array_module():
    values = array.array("d", [0.0] * 8)
    for i in itertools.count():
        values[i % 8] = i + 1.0
        yield values, np.ones(8)


def fortran_order_and_integers():
    x = np.zeros((6, 4), dtype=np.int16, order="F")
    for i in itertools.count():
        x[:, i % 4] = i + 1
        yield x, np.ones(6)


def every_other_column():
    table = np.zeros((6, 8))
    for i in itertools.count():
        table[:, ::2] = i
        yield table[:, ::2], np.ones(6)


def nan_becomes_a_number():
    x = np.full((3, 3), np.nan)
    for i in itertools.count():
        x[i % 3] = i
        yield x, np.ones(3)


def structured_records():
    records = np.zeros(4, dtype=[("id", "i4"), ("at", "f8", 3)])
    for i in itertools.count():
        records["at"][i % 4, 1] = i + 1
        yield records, np.ones(4)


def strings():
    words = np.array(["aaaa"] * 4)
    for i in itertools.count():
        words[i % 4] = f"w{i}"
        yield words, np.ones(4)


def objects():
    cells = np.array([None] * 4, dtype=object)
    for i in itertools.count():
        cells[i % 4] = f"text {i}"
        yield cells, np.ones(4)


def arrays_inside_an_object_array():
    cells = np.empty(2, dtype=object)
    cells[0], cells[1] = np.zeros(3), np.zeros(5)
    for i in itertools.count():
        cells[1][2] = i + 1
        yield cells, np.ones(2)


def masks():
    x = np.ma.masked_array(np.ones((3, 3)), mask=np.zeros((3, 3), bool))
    for i in itertools.count():
        x.mask[i % 3, 0] ^= True
        yield x, np.ones(3)


def broadcast_view_of_a_changing_row():
    row = np.zeros(5)
    for i in itertools.count():
        row[2] = i
        yield np.broadcast_to(row, (16, 5)), np.ones(16)


def read_only_view_of_a_changing_buffer():
    buffer, rng = np.zeros((4, 3)), RNG(0)
    while True:
        buffer[:] = rng.random((4, 3))
        view = buffer.view()
        view.flags.writeable = False
        yield view, np.ones(4)


def memory_map(path):
    mapped = np.memmap(path, dtype=np.float32, mode="w+", shape=(4, 3))
    for i in itertools.count():
        mapped[:] = i
        yield mapped, np.ones(4)


def small_integers_that_often_repeat():
    labels, rng = np.zeros(2, dtype=np.int64), RNG(0)
    while True:
        labels[:] = rng.integers(0, 2, 2)
        yield rng.random((2, 2)), labels


def named_tuples():
    image, rng = np.zeros((4, 3)), RNG(0)
    while True:
        image[:] = rng.random((4, 3))
        yield Sample(image, rng.random(4))


@dataclass
class Batch:
    image: np.ndarray
    target: np.ndarray


def dataclasses():
    image, rng = np.zeros((4, 3)), RNG(0)
    while True:
        image[:] = rng.random((4, 3))
        yield Batch(image, rng.random(4))


class IteratorWithABuffer:
    def __init__(self):
        self.buffer, self.rng = np.zeros((4, 3)), RNG(0)

    def __iter__(self):
        return self

    def __next__(self):
        self.rng.random(out=self.buffer)
        return self.buffer, np.ones(4)


class SequenceThatFillsABuffer:
    def __init__(self):
        self.buffer, self.data = np.zeros((4, 3)), RNG(0).random((40, 3))

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if index >= 10:
            raise IndexError(index)
        self.buffer[:] = self.data[4 * index : 4 * index + 4]
        return self.buffer, np.ones(4)


class PlainBatch:
    """A batch of somebody's own class."""

    def __init__(self, x, y):
        self.x, self.y = x, y


class SlottedBatch:
    """The same, without a dictionary."""

    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y


def objects_of_their_own_class(kind=PlainBatch):
    """One buffer inside objects that are fresh."""
    rng, x = np.random.default_rng(0), np.zeros((8, 2))
    while True:
        x[:] = rng.random((8, 2))
        yield kind(x, x.mean(axis=1, keepdims=True))


def slotted_objects():
    """The same inside objects with slots."""
    yield from objects_of_their_own_class(SlottedBatch)


def arrays_of_ctypes():
    """A C array that is refilled."""
    rng, buffer = np.random.default_rng(0), (ctypes.c_double * 16)()
    while True:
        buffer[:] = rng.random(16).tolist()
        yield buffer, np.array([sum(buffer)])


def filled_by_a_function_it_calls():
    def fill(target):
        target[...] = rng.random(target.shape)

    x, rng = np.empty((4, 3)), RNG(0)
    while True:
        fill(x)
        yield x, np.ones(4)


def delegates_to_a_corrupting_one():
    yield from reused_inputs()


ARRAYS = {
    reused_inputs: ["inputs"],
    reused_labels: ["labels"],
    reused_pair_with_a_view_as_label: ["inputs", "labels"],
    new_view_of_old_memory: ["inputs"],
    new_object_from_the_same_bytes: ["inputs"],
    two_rotating_buffers: ["inputs"],
    five_rotating_buffers: ["inputs"],
    ring_in_one_array: ["inputs"],
    buffer_every_third_batch: ["inputs"],
    one_row_of_a_large_buffer: ["inputs"],
    one_value_of_a_buffer: ["inputs"],
    data_set_shuffled_in_place: ["inputs"],
    data_set_shuffled_by_another_method: ["inputs"],
    list_shuffled_in_place: ["inputs"],
    changed_after_the_yield: ["inputs"],
    changed_three_batches_later: ["inputs"],
    changed_when_it_ends: ["inputs"],
    augmented_in_place: ["inputs"],
    nested_inputs: ["inputs[1]"],
    inputs_by_name: ["inputs['image']"],
    reused_sample_weights: ["sample_weight"],
    reused_dictionary: ["inputs['image']"],
    reused_list_of_inputs: ["inputs[0]", "inputs[1]"],
    refilled_plain_list: ["labels"],
    refilled_array_module: ["inputs"],
    fortran_order_and_integers: ["inputs"],
    every_other_column: ["inputs"],
    nan_becomes_a_number: ["inputs"],
    structured_records: ["inputs"],
    strings: ["inputs"],
    objects: ["inputs"],
    arrays_inside_an_object_array: ["inputs"],
    masks: ["inputs"],
    broadcast_view_of_a_changing_row: ["inputs"],
    read_only_view_of_a_changing_buffer: ["inputs"],
    small_integers_that_often_repeat: ["labels"],
    named_tuples: ["inputs"],
    dataclasses: ["inputs.image"],
    objects_of_their_own_class: ["inputs.x"],
    slotted_objects: ["inputs.x"],
    arrays_of_ctypes: ["inputs"],
    IteratorWithABuffer: ["inputs"],
    SequenceThatFillsABuffer: ["inputs"],
    filled_by_a_function_it_calls: ["inputs"],
    delegates_to_a_corrupting_one: ["inputs"],
}
