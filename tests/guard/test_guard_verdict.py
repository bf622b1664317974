"""Verdicts: when reading stops, what a part of it is worth, and what is no change."""

import itertools
import textwrap
import time
import weakref

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.stream.weak import LARGE_BYTES

SOURCE = """
    import itertools, os, signal, sys, time
    import numpy as np

    def batches(count):
        for i in range(count):
            yield np.full((4, 2), float(i)), np.ones(4)

    def hangs_after_12():
        yield from batches(12)
        time.sleep(600)

    def hangs_after_5():
        yield from batches(5)
        time.sleep(600)

    def runs_dry_after_12():
        yield from batches(12)
        raise IndexError("no more rows")

    def runs_dry_after_5():
        yield from batches(5)
        raise IndexError("no more rows")

    def dies_after_proof():
        x = np.zeros(3)
        for i in range(4):
            x[:] = i
            yield x
        os.kill(os.getpid(), signal.SIGKILL)

    def prints_a_lot():
        for x, y in batches(40):
            sys.stdout.write("x" * 100_000)
            os.write(1, b"y" * 100_000)
            yield x, y

    def nones():
        while True:
            yield None

    def words():
        while True:
            yield "a word"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "gen.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.chdir(tmp_path)


def counted(batches, pulled, seconds=0.0):
    """Yield batches, noting how many were asked for."""
    for batch in batches:
        pulled.append(None)
        time.sleep(seconds)
        yield batch


def refilled():
    x = np.zeros((4, 2))
    for i in itertools.count():
        x[:] = i
        yield x, np.ones(4)


def test_a_slow_source_is_not_read_on_after_a_proof():
    """The proof is there at batch 1; a batch more is read for other arrays, not thirty."""
    pulled = []
    assert guard.check(counted(refilled(), pulled, seconds=0.2))
    assert len(pulled) <= 5


def test_a_quick_source_is_read_on_for_other_arrays():
    """Five rotating labels show only at batch 5, and that costs nothing."""
    inputs, labels = np.zeros(3), [np.zeros(4) for _ in range(5)]

    def both():
        for i in itertools.count():
            inputs[:] = labels[i % 5][:] = i
            yield inputs, labels[i % 5]

    assert [finding.array for finding in guard.check(both())] == ["inputs", "labels"]


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.reshape(4, -1), lambda x: x[1:]])
def test_a_large_array_that_nobody_else_holds_is_not_kept(view):
    """Ten batches of 100 MB would be a gigabyte, and what nobody refers to can be written to by nobody."""
    alive = []

    def fresh():
        for i in range(14):
            x = np.full(LARGE_BYTES // 4, i, np.float64)
            alive.append(weakref.ref(x))
            yield view(x), np.ones(4)
            del x
            assert sum(ref() is not None for ref in alive) <= 1

    assert not guard.check(fresh())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_large_buffers_that_come_again_are_caught(count):
    """The generator holds them, so the guard does too."""
    buffers = [np.zeros((4, LARGE_BYTES // 32)) for _ in range(count)]

    def rotating():
        for i in itertools.count():
            buffers[i % count][:] = i
            yield buffers[i % count][1:], np.ones(4)

    (finding,) = guard.check(rotating(), batches=8)
    assert (finding.array, finding.batch) == ("inputs", 0)
    assert f"while batch {count} was made" in finding.message


def test_copies_beyond_a_limit_are_let_go_and_that_is_said(monkeypatch):
    """Slices of a data set that stays in memory: each copy would stay as well."""
    monkeypatch.setattr("pitfalls.guard.rules.aliasing.MOST_COPIED_BYTES", 3 * LARGE_BYTES + 1000)
    data = np.zeros((8, LARGE_BYTES // 8))
    report = guard.check((row, np.ones(1)) for row in itertools.islice(itertools.cycle(data), 14))
    assert report.not_checked == ("Batches as large as these: the last 3 were compared, not the last 10.",)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("hangs_after_12", "Out of time after 2 seconds: 12 batches came, and only these were checked."),
        (
            "runs_dry_after_12",
            "It raised IndexError while batch 12 was made at gen.py:19: "
            'raise IndexError("no more rows"): no more rows. The 12 batches before it were checked.',
        ),
    ],
)
def test_enough_clean_batches_give_a_partial_verdict(folder, checked, name, note):
    """More than a consumer holds: what came is clean, and the rest is named."""
    status, report = checked(f"gen.py:{name}", "--seconds", "2")
    assert (status, report["status"], report["not_checked"]) == (0, "clean", [note])


@pytest.mark.parametrize("name", ["hangs_after_5", "runs_dry_after_5"])
def test_too_few_give_none(folder, checked, name):
    """Fewer than a consumer holds."""
    assert checked(f"gen.py:{name}", "--seconds", "2")[0] == 2


def test_out_of_time_is_said_only_when_it_is(folder, checked):
    """A process that dies after a proof has died."""
    status, report = checked("gen.py:dies_after_proof")
    assert status == 1
    assert report["not_checked"] == [
        "The process that ran it ended with signal 9, while batch 4 was made. What came before is shown."
    ]


def test_time_that_is_over_while_more_is_read_than_was_wanted_is_no_shortage():
    """Slices of an array that is also written to are read for longer than 32 batches, up to the limit."""
    data = np.zeros((4000, 2))

    def never_shuffled():
        for start in itertools.chain(range(0, 4000, 4), [-1]):
            if start < 0:
                np.random.shuffle(data)
            time.sleep(0.005)
            yield data[start : start + 4], np.ones(4)

    assert guard.check(never_shuffled(), seconds=1).not_checked == ()


def test_what_the_code_prints_is_capped_and_counted(folder, run):
    """8 MB were printed: 64 kB are shown."""
    done = run("check", "gen.py:prints_a_lot")
    assert done.stdout == "gen.py:prints_a_lot: nothing found\n"
    assert len(done.stderr) < 70_000
    shown = done.stderr.count("x") + done.stderr.count("y")
    assert shown >= 60_000
    count = int(done.stderr.split("printed ")[1].split(" more")[0].replace(",", ""))
    assert count > 6_000_000


@pytest.mark.parametrize(("name", "said"), [("nones", "batch 0 is None"), ("words", "batch 0 is 'a word'")])
def test_a_source_of_no_arrays_is_no_clean_one(folder, checked, name, said):
    """Nothing could be compared, so nothing is known."""
    status, report = checked(f"gen.py:{name}")
    assert status == 2
    assert f"Nothing that it yields can be read, so nothing was checked:\n  {said}" in report["error"]


def test_a_bare_except_around_the_yield_still_gets_the_error():
    """The generator refuses to be closed; the error is the guard's own all the same."""

    def stubborn():
        x = np.zeros(3)
        for i in itertools.count():
            x[:] = i
            try:
                yield x, np.ones(3)
            except:  # noqa: E722
                continue

    with pytest.raises(guard.AliasedBatchError):
        list(itertools.islice(guard.watch(stubborn()), 20))
    assert guard.check(stubborn())


@pytest.mark.parametrize("size", [4, 9000, 400_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.float16])
def test_a_zero_that_loses_its_sign_is_no_change(size, dtype):
    """-0.0 and 0.0 are one number, and so are NaNs of any kind."""
    x = np.zeros(size, dtype)
    x[1] = np.nan

    def signs():
        for i in range(14):
            x[2:] = dtype(0) if i % 2 else -dtype(0)
            yield x, np.ones(4)

    assert not guard.check(signs())
    assert len(list(guard.watch(signs()))) == 14


class Augmented:
    """An image that is made anew whenever it is read."""

    def __array__(self, dtype=None, copy=None):
        return np.random.rand(4, 2)


class Lazy:
    """An image that is read when it is asked for, and is always the same."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values.copy()


def test_an_object_that_draws_anew_when_it_is_read_is_said_to_be_unreadable():
    """It differs at each look, and nobody wrote to it."""
    report = guard.check((Augmented(), np.full(4, i)) for i in range(14))
    assert list(report) == []
    assert report.not_checked == ("inputs: Augmented makes its values anew each time that they are read",)
    assert len(list(guard.watch((Augmented(), np.full(4, i)) for i in range(14)))) == 14


def test_an_object_that_is_read_late_is_compared():
    """The same values at each look, until somebody writes to them."""
    values = np.zeros((4, 2))

    def lazy():
        for i in range(14):
            values[:] = i
            yield Lazy(values), np.ones(4)

    assert [finding.array for finding in guard.check(lazy())] == ["inputs"]


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        ([(4, 7), (4, 9), (4, 30)], []),
        ([(4, 7), (4, 7), (4, 9)], [2]),
        ([(4, 7, 3), (4, 9, 3), (4, 9, 4)], [2]),
        ([(4, 7), (4, 7, 1), (4, 7)], [1]),
        ([(4, 7), (9, 7), (2, 7)], []),
    ],
)
def test_an_axis_that_differs_from_the_start_may_differ_later(shapes, found):
    """Keras leaves it open, and trains; one that begins to differ after two batches is a finding."""
    report = guard.check([(np.zeros(shape), np.ones(shape[0])) for shape in shapes], batches=len(shapes))
    assert [finding.batch for finding in report if finding.rule == "unstable-batch"] == found


def test_keras_trains_on_an_axis_that_differs_from_the_start():
    """The rule is Keras's own: three lengths in three batches are trained on."""
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(inputs)))
    model.compile("sgd", loss="mse")
    lengths = ((np.ones((4, n, 2)), np.ones((4, 1))) for n in (3, 5, 9, 4))
    assert len(model.fit(lengths, steps_per_epoch=3, verbose=0).history["loss"]) == 1


def test_a_loader_that_is_slower_than_the_patience_is_read_for_longer(monkeypatch):
    """A shuffle at batch 80 comes long after the patience is over, and well before the limit."""
    monkeypatch.setattr("pitfalls.guard.rules.patience.PATIENT_SECONDS", 0.3)
    data = np.arange(640.0).reshape(320, 2)

    def slow():
        while True:
            for start in range(0, 320, 4):
                time.sleep(0.01)
                yield data[start : start + 4], np.ones(4)
            np.random.shuffle(data)

    assert [finding.array for finding in guard.check(slow(), seconds=20)] == ["inputs"]
    assert not guard.check(slow())
