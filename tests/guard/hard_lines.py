"""Corrupting generators in which it is easy to name a wrong line.

The line that writes ends in ``# writes``, the one that allocates in ``# allocates``; a helper outside
the generator says whose line it is. Every name here is used for other things as well, on purpose.
"""

import itertools
import random
from collections import deque

import numpy as np

RNG = np.random.default_rng
x = np.ones((4, 2))
x[:] = 3.0
SHARED = np.zeros((4, 2))  # allocates a_global_buffer
SHARED[:] = 1.0


def decoy():
    x = np.zeros((4, 2))
    buffer = np.zeros(3)
    SHARED = np.zeros(3)
    SHARED[:] = 2
    for i in range(3):
        x[:] = i
        buffer.fill(i)
    return x, buffer


def filled_before_the_loop():
    x = np.zeros((4, 2))  # allocates
    x[:] = 5
    for i in itertools.count():
        x[i % 4] = i + 1  # writes
        yield x, np.ones(4)


def a_helper_with_another_name_for_it(target, value):
    target[...] = value  # writes filled_by_a_helper
    x = np.zeros(3)
    x[:] = 1


def filled_by_a_helper():
    x = np.empty((4, 2))  # allocates
    for i in itertools.count():
        a_helper_with_another_name_for_it(x, i)
        yield x, np.ones(4)


def load_labels(batch):
    return np.full(4, batch.mean())


def a_call_that_only_reads():
    x = np.zeros((4, 2))  # allocates
    for i in itertools.count():
        y = load_labels(x)
        x += 1  # writes
        yield x, y + i


def a_name_that_held_something_else():
    data = np.zeros((4, 2))  # allocates
    for i in itertools.count():
        scratch = np.zeros((4, 2))
        scratch[:] = i
        data += scratch  # writes
        scratch = data
        yield scratch, np.ones(4)


def two_branches():
    if RNG(0).random() < 2:  # noqa: SIM108
        x = np.zeros((4, 2))  # allocates
    else:
        x = np.ones((4, 2))
    for i in itertools.count():
        x[:] = i  # writes
        yield x, np.ones(4)


def shuffled_by_compiled_code():
    rows = np.arange(16.0).reshape(8, 2)  # allocates
    while True:
        np.random.shuffle(rows)  # writes
        yield rows, np.ones(8)


def a_nested_function_that_is_never_called():
    x = np.zeros((4, 2))  # allocates

    def unused():
        x[:] = 7

    for i in itertools.count():
        np.copyto(x, i)  # writes
        yield x, unused


def a_nested_function_that_is():
    x, rng = np.zeros((4, 2)), RNG(0)  # allocates

    def fill():
        x[:] = rng.random((4, 2))  # writes

    def other(x):
        x[:] = 0

    while True:
        fill()
        yield x, np.ones(4), other


def a_global_buffer():
    for i in itertools.count():
        SHARED[:] = i  # writes
        yield SHARED, np.ones(4)


def list_that_is_appended_to():
    rng, past = RNG(0), deque(maxlen=3)
    while True:
        past.append(rng.random((4, 2)))
        yield past[-1], np.ones(4)
        past[0] *= 0.5  # writes


def rotating_buffers():
    buffers = [np.zeros((4, 2)) for _ in range(3)]  # allocates
    for i in itertools.count():
        buffers[i % 3][:] = i  # writes
        yield buffers[i % 3], np.ones(4)


def buffers_that_were_replaced():
    buffers = [None, None]
    for i in range(2):
        buffers[i] = np.zeros((4, 2))
    for i in itertools.count():
        buffers[i % 2][:] = i  # writes
        yield buffers[i % 2], np.ones(4)


class Other:
    def __init__(self):
        self.x = np.ones(3)

    def fill(self):
        self.x[:] = 9


class Loader:
    def __init__(self):
        self.x = np.zeros((4, 2))  # allocates
        self.x[:] = 1
        self.count = 0

    def reset(self):
        self.x[:] = 0

    def fill(self):
        self.x[:] = self.count  # writes

    def __iter__(self):
        return self

    def __next__(self):
        self.count += 1
        self.fill()
        return self.x, np.ones(4)


class Methods:
    def __init__(self, x):
        self.x = x
        self.buffer = np.zeros((4, 2))  # allocates

    def batches(self):
        x = self.x
        for i in itertools.count():
            self.buffer[:] = i  # writes
            yield self.buffer, x.copy()

    def elsewhere(self):
        self.buffer = np.zeros((4, 2))[:]


def method():
    return Methods(np.ones(4)).batches()


def an_object_that_it_fills():
    loader = Loader()
    for i in itertools.count():
        loader.x[:] = i  # writes
        yield loader.x, np.ones(4)


def a_column_beside_the_one_that_is_yielded():
    table = np.zeros((4, 3))  # allocates
    for i in itertools.count():
        table[:, 2] = i
        table[:, 0] += 1  # writes
        yield table[:, :2], np.ones(4)


def changed_between_two_yields():
    x = np.zeros((4, 2))  # allocates
    while True:
        yield x.copy(), np.ones(4)
        x -= 1  # writes
        yield x, np.ones(4)


def an_argument(x=None):
    data = np.zeros((4, 2)) if x is None else x
    for i in itertools.count():
        data[:] = i  # writes
        yield data, np.ones(4)


def taken_from_a_pool():
    pool = itertools.cycle([np.zeros((4, 2))])
    for i in itertools.count():
        buffer = next(pool)
        buffer[:] = i  # writes
        yield buffer, np.ones(4)


def labels_in_a_list():
    labels = []  # allocates
    for i in itertools.count():
        labels.clear()  # writes
        labels.extend([float(i)] * 4)  # writes
        yield np.full((4, 2), i), labels


def rows_in_a_list():
    rows = [[float(i)] * 2 for i in range(8)]  # allocates
    while True:
        random.shuffle(rows)  # writes
        yield rows, [1.0] * 8


def a_dictionary():
    inputs = {}  # allocates
    for i in itertools.count():
        inputs["x"] = np.full((4, 2), i)  # writes
        yield inputs, np.ones(4)


def two_names_in_one_line():
    x, y = np.zeros((4, 2)), np.zeros(4)  # allocates
    for i in itertools.count():
        x[:], y[:] = i, -i  # writes
        yield x, y


def over_several_lines():
    x = np.zeros(  # allocates
        (4, 2),
        dtype=np.float32,
    )
    for i in itertools.count():
        x[...] = np.full(  # writes
            (4, 2), i
        )
        yield x, np.ones(4)


def behind_a_generator():
    for x, y in filled_before_the_loop_again():  # noqa: UP028
        yield x, y


def filled_before_the_loop_again():
    x = np.zeros((4, 2))  # allocates behind_a_generator
    for i in itertools.count():
        x[:] = i  # writes behind_a_generator
        yield x, np.ones(4)


def out_of_an_expression():
    x, rng = np.empty((4, 2)), RNG(0)  # allocates
    while True:
        rng.random(out=x)  # writes
        yield x, np.ones(4)


def written_through_a_view():
    memory = np.zeros(8)  # allocates
    view = memory.reshape(4, 2)
    for i in itertools.count():
        memory[i % 8] = i + 1  # writes
        yield view, np.ones(4)


def decorated(function):
    def inner():
        x = np.zeros(3)
        x[:] = 1
        yield from function()

    return inner


@decorated
def behind_a_decorator():
    x = np.zeros((4, 2))  # allocates behind_a_decorator
    for i in itertools.count():
        x[:] = i  # writes behind_a_decorator
        yield x, np.ones(4)


CASES = {
    case.__name__ if case is not behind_a_decorator else "behind_a_decorator": case
    for case in (
        *(
            filled_before_the_loop,
            filled_by_a_helper,
            a_call_that_only_reads,
            a_name_that_held_something_else,
        ),
        *(two_branches, shuffled_by_compiled_code, a_nested_function_that_is_never_called),
        *(a_nested_function_that_is, a_global_buffer, list_that_is_appended_to, rotating_buffers),
        *(buffers_that_were_replaced, Loader, method, an_object_that_it_fills, changed_between_two_yields),
        *(a_column_beside_the_one_that_is_yielded, an_argument, taken_from_a_pool, labels_in_a_list),
        *(rows_in_a_list, a_dictionary, two_names_in_one_line, over_several_lines, behind_a_generator),
        *(out_of_an_expression, written_through_a_view, behind_a_decorator),
    )
}
OWNERS = {"method": Methods, "an_object_that_it_fills": Loader}
