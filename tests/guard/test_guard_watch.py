"""Watching: what passes, what is raised and when, and what is held."""

import gc
import inspect
import itertools
import warnings
import weakref

import corrupting_generators
import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.rules import biting, watcher
from pitfalls.guard.rules.budget import Budget
from pitfalls.guard.stream.memory import address_of, offset_from_alignment
from pitfalls.guard.stream.probes import Probe


def reused():
    x = np.zeros((4, 2))
    for i in itertools.count():
        x[:] = i
        yield x, np.ones(4)


def fresh():
    for i in itertools.count():
        yield np.full((4, 2), float(i)), np.ones(4)


def pulled_until_it_raises(generator, **options):
    count = 0
    with pytest.raises(guard.AliasedBatchError) as caught:
        for _ in guard.watch(generator, **options):
            count += 1
    return count, caught.value


@pytest.mark.parametrize(
    ("generator", "batches_before"),
    [
        (reused, 1),
        (corrupting_generators.two_rotating_buffers, 2),
        (corrupting_generators.five_rotating_buffers, 5),
        (corrupting_generators.ring_in_one_array, 7),
        (corrupting_generators.buffer_every_third_batch, 5),
        (corrupting_generators.changed_after_the_yield, 1),
        (corrupting_generators.data_set_shuffled_in_place, 5),
    ],
)
def test_it_raises_at_the_first_batch_that_proves_it(generator, batches_before):
    """With one buffer that is the second batch: the first has been handed out, the second never is."""
    assert pulled_until_it_raises(generator())[0] == batches_before


def test_the_error_says_what_was_seen_what_it_costs_and_what_to_do(monkeypatch):
    """The whole text, line for line; the address is the buffer's own."""
    monkeypatch.setattr(biting, "framework", lambda: "tensorflow")
    source = reused()
    buffer, _ = next(source)
    _, error = pulled_until_it_raises(source)
    first = reused.__code__.co_firstlineno
    bites = (
        "              fit(generator): safe after the first batch, but only by luck. TensorFlow copies\n"
        "              this buffer because its address is not a multiple of 64.\n"
        if offset_from_alignment(buffer)
        else "              and fit(generator): TensorFlow does not copy a buffer on a 64-byte boundary\n"
    )
    assert str(error) == (
        "inputs of batch 0 changed after it was yielded.\n"
        "  changed     8 of 8 values, while batch 1 was made\n"
        f"  memory      {address_of(buffer):#x}, {offset_from_alignment(buffer)} bytes past "
        "a 64-byte boundary, owned by an array of shape (4, 2), float64\n"
        f"  allocated   {__file__}:{first + 1}: x = np.zeros((4, 2))\n"
        f"  refilled    {__file__}:{first + 3}: x[:] = i\n"
        "  bites       a queue of references (prefetch threads), PyDataset(workers=2 or more)"
        f"{';' if offset_from_alignment(buffer) else ','}\n"
        f"{bites}"
        "Allocate the array inside the loop, or yield a copy of it: np.copy(x)."
    )
    assert isinstance(error, RuntimeError)
    assert error.finding.array == "inputs"


def test_it_is_a_generator_and_yields_the_very_same_objects():
    """fit knows a generator by its type, and nothing may be changed on the way."""
    batches = [(np.full((4, 2), float(i)), np.ones(4)) for i in range(5)]
    watched = guard.watch(batch for batch in batches)
    assert inspect.isgenerator(watched)
    assert all(a is b for a, b in zip(watched, batches, strict=True))


def test_what_is_sent_thrown_and_returned_goes_through():
    """As yield from would do it."""

    def talks():
        said = []
        try:
            while len(said) < 3:
                said.append((yield len(said)))
        finally:
            said.append("closed")
        return said

    watched = guard.watch(talks())
    assert [next(watched), watched.send("a"), watched.send("b")] == [0, 1, 2]
    with pytest.raises(StopIteration) as end:
        watched.send("c")
    assert end.value.value == ["a", "b", "c", "closed"]


def test_closing_it_closes_the_source():
    """No source is left suspended behind it."""
    source = fresh()
    watched = guard.watch(source)
    next(watched)
    watched.close()
    assert source.gi_frame is None


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_no_batch_is_kept_alive_beyond_depth(depth):
    """Of fifty batches only the last ones are still there."""
    alive = []

    def noted():
        for i in range(50):
            x = np.full((4, 2), float(i))
            alive.append(weakref.ref(x))
            yield (x,)
            del x

    for _ in itertools.islice(guard.watch(noted(), depth=depth), 49):
        gc.collect()
        assert sum(ref() is not None for ref in alive) <= depth + 1


def test_a_consumer_may_change_what_it_was_given():
    """Normalising in place is the consumer's own business."""
    for x, _ in itertools.islice(guard.watch(fresh()), 30):
        x -= x.mean() + 1


def test_a_consumer_that_changes_a_constant_array_is_not_blamed_on_the_generator():
    """The array is the same each time, and only the consumer writes to it."""
    constant = np.ones((4, 2))
    for (x,) in itertools.islice(guard.watch((constant,) for _ in itertools.count()), 30):
        x *= 2


def test_warn_warns_once_and_goes_on():
    """The batches still come, as they are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        batches = list(itertools.islice(guard.watch(reused(), on_alias="warn"), 20))
    assert len(batches) == 20
    (warning,) = caught
    assert issubclass(warning.category, guard.AliasedBatchWarning)
    assert "inputs of batch 0 changed" in str(warning.message)


def shared_by_tensorflow(array):
    tf = pytest.importorskip("tensorflow")
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


class SharingTensor:
    """Stands for a tensor of a framework that is not installed here: it reads somebody else's memory."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __deepcopy__(self, memo):
        return SharingTensor(self.array.copy())


class CloningTensor(SharingTensor):
    """The same with PyTorch's word for a copy."""

    __deepcopy__ = None

    def clone(self):
        return CloningTensor(self.array.copy())


@pytest.mark.parametrize("shared", [shared_by_tensorflow, SharingTensor, CloningTensor])
def test_copy_heals_tensors_over_memory_that_is_refilled(shared):
    """A tensor that is a view of the buffer is rewritten with it, unless it is copied at once."""

    def refilled():
        x = np.zeros(16, np.float32)
        for i in range(3):
            x[:] = i
            yield shared(x)

    kept = [np.array(tensor)[0] for tensor in list(guard.watch(refilled(), on_alias="copy"))]
    assert kept == [0.0, 1.0, 2.0]
    raw = [np.array(tensor)[0] for tensor in list(refilled())]
    assert raw == [2.0, 2.0, 2.0]


def test_copy_heals_whatever_the_structure():
    """Every array is the consumer's own; structure, types, dtype and order stay."""
    x = np.zeros((2, 3), order="F")

    def all_kinds():
        for i in itertools.count():
            x[:] = i
            yield {"a": [x, x.T]}, (np.ma.masked_equal(x, 1), None, 3.5), [float(i)]

    held = list(itertools.islice(guard.watch(all_kinds(), on_alias="copy"), 4))
    for i, (inputs, labels, weights) in enumerate(held):
        assert np.all(inputs["a"][0] == i) and inputs["a"][0].flags.f_contiguous
        assert np.all(labels[0].data == i) and isinstance(labels[0], np.ma.MaskedArray)
        assert labels[1:] == (None, 3.5) and weights == [float(i)]


def test_large_arrays_are_probed_and_a_rewritten_one_is_caught_at_once():
    """128 blocks are looked at: a new image in one of 32 rows is always among them."""
    x = np.zeros((32, 64, 64, 3), dtype=np.float32)

    def one_row():
        for i in itertools.count():
            x[i % 32] = i + 1
            yield x, np.ones(32)

    count, error = pulled_until_it_raises(one_row())
    assert count == 1
    assert "probed values" in str(error)


def test_one_value_of_a_large_array_can_be_missed_by_watch_and_not_by_check():
    """What probing costs: a write to 4 of 1.5 million bytes passes, unless a block happens to stand there."""

    def one_value():
        x = np.zeros((32, 64, 64, 3), dtype=np.float32)
        for i in itertools.count():
            x[5, 6, 7, 1] = i
            yield x, np.ones(32)

    passed = sum(1 for _ in itertools.islice(guard.watch(one_value()), 3))
    assert passed == 3
    assert [finding.array for finding in guard.check(one_value(), batches=3)] == ["inputs"]


@pytest.mark.parametrize(
    "view", [lambda x: x, lambda x: x.transpose(0, 3, 1, 2), lambda x: x[:, ::2], lambda x: x[..., 1]]
)
def test_large_arrays_of_any_stride_are_probed(view):
    """Whole, transposed, with gaps."""
    x = np.zeros((8, 64, 64, 3), dtype=np.float32)

    def refilled():
        for i in itertools.count():
            x[:] = i
            yield view(x), np.ones(8)

    assert pulled_until_it_raises(refilled())[0] == 1


def test_the_users_random_numbers_are_left_alone():
    """Probes draw from a generator of their own."""
    np.random.seed(7)
    expected = np.random.random(3)
    np.random.seed(7)
    list(itertools.islice(guard.watch((np.zeros((400, 400)),) for _ in range(5)), 5))
    assert np.array_equal(np.random.random(3), expected)


def test_a_list_of_batches_can_be_watched():
    """Any iterable of batches will do."""
    batches = [(np.zeros(3), np.ones(3))] * 4
    assert len(list(guard.watch(batches))) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_alias": "panic"}, "on_alias is one of 'raise', 'warn', 'copy'; here it is 'panic'."),
        ({"depth": 0}, "depth starts at 1; here it is 0."),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    """With the value that was given."""
    with pytest.raises(ValueError) as caught:
        guard.watch(fresh(), **options)
    assert str(caught.value) == message


def test_a_generator_function_is_refused_with_advice():
    """It was forgotten to call it."""
    with pytest.raises(TypeError) as caught:
        guard.watch(fresh)
    assert str(caught.value) == "fresh is a generator function: call it, and check what it returns."


ROWS, ROW_VALUES = 500, 10_000


@pytest.mark.parametrize(("blocks", "missed"), [(128, 0.76), (1024, 0.0), (8192, 0.0)])
def test_more_blocks_see_a_smaller_write(blocks, missed):
    """One row of 40 kB in 20 MB: 128 blocks miss it in three writes of four, 1024 never do."""
    x = np.zeros((ROWS, ROW_VALUES), np.float32)
    count, writes = 0, 120
    for i in range(writes):
        probe = Probe("inputs", x, blocks)
        x[i * 37 % ROWS] += 1
        count += not probe.differs()
    assert count / writes == pytest.approx(missed, abs=4 * (0.76 * 0.24 / writes) ** 0.5 if missed else 0)


def settled(budget, steps):
    """Let some batches pass, each after an interval and with what reading it cost."""
    now = 0.0
    for interval, own in [(0.0, 0.0), *steps]:
        now += interval
        budget.own_seconds += own
        budget.settle(now)
    return budget.blocks


@pytest.mark.parametrize(
    ("steps", "blocks"),
    [
        ([(0.1, 1e-4)] * 3, 1024),
        ([(0.1, 1e-4)] * 30, 8192),
        ([(0.001, 1e-4)] * 30, 128),
        ([(0.001, 1e-4), (5.0, 1e-4), (0.001, 1e-4)], 128),
        ([(0.1, 1e-4)] * 3 + [(0.1, 2e-3)] * 2, 256),
    ],
    ids=["a step of 0.1 s", "for long", "a short step", "a pause", "reading turns out dear"],
)
def test_reading_takes_one_hundredth_of_the_time_between_batches(steps, blocks):
    """More blocks where there is time, fewer where there is none."""
    assert settled(Budget(), steps) == blocks


def test_a_slow_step_makes_watch_read_more(monkeypatch):
    """After a few steps of 50 ms a row of 40 kB is seen at every write; the clock is the test's own."""
    looks, seen = itertools.count(), 0
    monkeypatch.setattr(watcher, "perf_counter", lambda: 0.05 * seen + 1e-6 * next(looks))
    x = np.zeros((ROWS, ROW_VALUES), np.float32)

    def one_row_later():
        for i in itertools.count():
            if i >= 12:
                x[i * 37 % ROWS] += 1
            yield x, np.ones(ROWS)

    with pytest.raises(guard.AliasedBatchError):
        for _ in guard.watch(one_row_later()):
            seen += 1
    assert seen <= 14


def test_an_array_that_is_emptied_in_place_has_changed():
    """Of it nothing is left to compare, which is a change all the same."""
    x = np.ones(8)
    probe = Probe("inputs", x)
    x.resize(0, refcheck=False)
    assert probe.differs()
    assert probe.changed() == (1, 1)
