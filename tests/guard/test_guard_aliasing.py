"""Aliasing: every corrupting miniature is caught, no benign one is, by check and by watch."""

import itertools

import benign_generators
import corrupting_generators
import numpy as np
import pytest

from pitfalls import guard

CORRUPTING = list(corrupting_generators.ARRAYS.items())
SEEN_ONLY_BY_CHECK = {corrupting_generators.changed_when_it_ends}


def name_of(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("generator", "arrays"), CORRUPTING, ids=name_of)
def test_a_corrupting_generator_is_caught_with_the_right_arrays(generator, arrays):
    """Only aliased-batch findings, and exactly on the arrays that change."""
    report = guard.check(generator())
    assert [(finding.rule, finding.array) for finding in report] == [
        ("aliased-batch", path) for path in arrays
    ]


@pytest.mark.parametrize("generator", benign_generators.ALL, ids=name_of)
def test_a_benign_generator_is_left_alone(generator):
    """No finding of any rule, however suspicious the code looks."""
    report = guard.check(generator())
    assert list(report) == []
    assert report.status == "clean"


@pytest.mark.parametrize("generator", [g for g, _ in CORRUPTING if g not in SEEN_ONLY_BY_CHECK], ids=name_of)
def test_watch_raises_on_a_corrupting_generator(generator):
    """In training the same ones are stopped; a write to an old batch at the very end is not looked for."""
    with pytest.raises(guard.AliasedBatchError):
        for _ in itertools.islice(guard.watch(generator()), 100):
            pass


@pytest.mark.parametrize("generator", benign_generators.ALL, ids=name_of)
def test_watch_is_silent_on_a_benign_generator(generator):
    """The same batches as without watch, and no error."""
    assert sum(1 for _ in itertools.islice(guard.watch(generator()), 100)) > 0


def test_a_memory_map_that_is_written_is_caught(tmp_path):
    """An array over a file is memory like any other."""
    report = guard.check(corrupting_generators.memory_map(tmp_path / "map.bin"))
    assert [finding.array for finding in report] == ["inputs"]


def test_twenty_of_each_kind_are_tried():
    """The bar is at least twenty corrupting and twenty benign generators."""
    assert len(CORRUPTING) >= 20
    assert len(benign_generators.ALL) >= 20


def test_depth_is_how_many_batches_a_consumer_may_hold():
    """Five rotating buffers harm a consumer that holds five batches, not one that holds four."""
    assert guard.check(corrupting_generators.five_rotating_buffers(), depth=5)
    assert not guard.check(corrupting_generators.five_rotating_buffers(), depth=4)


def test_a_finding_says_which_batch_and_when():
    """Two rotating buffers: batch 0 changes while batch 2 is made."""
    (finding,) = guard.check(corrupting_generators.two_rotating_buffers())
    assert finding.batch == 0
    assert "12 of 12 values, while batch 2 was made" in finding.message


def test_a_late_shuffle_of_a_long_epoch_is_waited_for():
    """An epoch of 300 batches is far beyond 32, and the code writes to the array whose slices it yields."""

    def shuffled_each_epoch():
        data = np.arange(2400)
        while True:
            for start in range(0, 2400, 8):
                yield data[start : start + 8], np.ones(8)
            np.random.shuffle(data)

    assert [finding.array for finding in guard.check(shuffled_each_epoch())] == ["inputs"]


def test_the_number_of_batches_can_be_fixed():
    """With --batches the guard reads so many and no more."""
    pulled = []

    def counted():
        for i in itertools.count():
            pulled.append(i)
            yield np.array([i]), np.ones(1)

    guard.check(counted(), batches=7)
    assert len(pulled) == 7


def test_of_many_arrays_a_few_are_named():
    """A list of images over one buffer each: four are described, the others counted."""
    buffers = [np.zeros(3) for _ in range(20)]

    def filled():
        for i in itertools.count():
            for buffer in buffers:
                buffer[:] = i
            yield buffers, np.ones(20)

    report = guard.check(filled())
    assert [finding.array for finding in report] == [f"inputs[{i}]" for i in range(4)]
    assert report.not_checked == ("16 more arrays changed as well and are not listed.",)


def test_a_generator_that_swallows_the_write_traps_refusal_comes_to_an_end():
    """It would try for ever; the trap is opened again after a second."""

    def swallows():
        x, i = np.zeros(3), 0
        while True:
            try:
                x[:] = i
            except ValueError:
                continue
            i += 1
            yield x

    assert [finding.array for finding in guard.check(swallows())] == ["inputs"]


def test_every_array_is_writeable_again_after_a_strict_check():
    """Slices of one array: the owner must be opened before its views."""
    data = np.arange(96.0).reshape(48, 2)
    slices = [data[4 * i : 4 * i + 4] for i in range(12)]
    guard.check(itertools.cycle(slices), strict=True)
    assert data.flags.writeable
    assert all(part.flags.writeable for part in slices)


def test_a_source_of_which_nothing_can_be_read_is_no_clean_one():
    """Silence would look like a clean report."""

    class Opaque:
        def __init__(self):
            self.text = "no array"

    with pytest.raises(guard.GuardError, match="Nothing that it yields can be read"):
        guard.check(Opaque() for _ in range(40))
