"""Generators: what they draw, where their arrays live, and how twins differ."""

import re
from itertools import islice

import numpy as np
import pytest
import yaml

from pitfalls.config.pairs import ARRAYS
from pitfalls.errors import ConfigurationError
from pitfalls.lab import generators
from pitfalls.lab.probe import hold, reused_buffer_offsets
from pitfalls.lab.sources import make_configured
from pitfalls.project import ROOT

NAMES = sorted(
    path.stem
    for path in (ROOT / "conf" / "generator").glob("*.yaml")
    if yaml.safe_load(path.read_text()).get("yields", ARRAYS) == ARRAYS
)

REUSED = {  # (inputs, labels): one memory between yields
    "reused_inputs": (True, False),
    "reused_inputs_aligned": (True, False),
    "reused_pair": (True, True),
    "fresh_arrays": (False, False),
    "copied_inputs": (False, False),
    "flat_labels": (False, False),
}

QUEUE_DEPTH = 10


@pytest.fixture(params=NAMES)
def name(request):
    """Give each option of conf/generator that yields arrays in turn, also one that was added since."""
    return request.param


@pytest.fixture
def make(composed):
    """Give a function that makes a generator as conf/ describes it."""
    return lambda name, *overrides: make_configured(composed(f"generator={name}", *overrides))


@pytest.fixture
def made(make, name):
    """Give a function that makes the generator in turn."""
    return lambda *overrides: make(name, *overrides)


def test_whatever_is_stated_here_is_of_an_option_that_exists():
    """A renamed option would leave its line behind."""
    assert set(REUSED) <= set(NAMES)


def test_batches_have_the_stated_shapes_and_dtype_and_labels_are_means(made, name):
    """Looked at one by one, before the next is drawn, every batch is sound."""
    for inputs, labels in islice(made(), 5):
        assert inputs.shape == (64, 2)
        assert labels.shape in ((64,), (64, 1))
        assert (labels.shape == (64,)) == (name == "flat_labels") or name not in REUSED
        assert inputs.dtype == labels.dtype == np.float64
        np.testing.assert_array_equal(labels.reshape(-1), inputs.mean(axis=1))


def test_all_generators_draw_the_same_numbers_from_a_seed(made):
    """They differ in where the arrays live, so twins are compared on one stream of data."""
    drawn = np.concatenate([inputs.copy() for inputs, _ in islice(made("seed=3"), 120)])
    rng = np.random.default_rng(3)
    expected = np.concatenate([rng.integers(0, 100, (100, 64, 2)) for _ in range(2)]).reshape(-1, 2)
    np.testing.assert_array_equal(drawn, expected[: len(drawn)])


@pytest.mark.parametrize("high", [2, 10, 100])
def test_the_draws_are_uniform(made, high):
    """Chi-square over single values and over pairs, within four standard deviations of its mean."""
    drawn = np.concatenate([inputs.copy() for inputs, _ in islice(made(f"task.high={high}"), 400)]).astype(
        int
    )
    assert drawn.min() == 0 and drawn.max() == high - 1
    pairs = drawn[:, 0] * high + drawn[:, 1]
    for values, cells in ((drawn.reshape(-1), high), (pairs, high**2)):
        if values.size < 5 * cells:
            continue
        expected = values.size / cells
        chi_square = ((np.bincount(values, minlength=cells) - expected) ** 2 / expected).sum()
        assert abs(chi_square - (cells - 1)) <= 4 * np.sqrt(2 * (cells - 1))


def test_a_lopsided_draw_would_not_pass_for_uniform():
    """The statistic above can fail: one value in a hundred that comes twice as often is enough."""
    values = np.random.default_rng(0).integers(0, 101, 51_200) % 100
    chi_square = ((np.bincount(values) - 512) ** 2 / 512).sum()
    assert chi_square - 99 > 4 * np.sqrt(2 * 99)


@pytest.mark.parametrize(("stated", "reused"), REUSED.items())
def test_consecutive_yields_are_one_memory_where_and_only_where_it_is_stated(make, stated, reused):
    """Both held, so that no memory is given out twice."""
    batches = make(stated)
    (inputs, labels), (next_inputs, next_labels) = next(batches), next(batches)
    assert (np.shares_memory(inputs, next_inputs), np.shares_memory(labels, next_labels)) == reused


def test_a_held_batch_is_lost_with_the_next_one_or_kept_for_as_long_as_a_queue_holds_it(made):
    """A claim follows from two batches: memory that came back later, two buffers in turn, would escape it."""
    batches = made()
    reused = tuple(offset is not None for offset in dict(reused_buffer_offsets(hold(made()))).values())
    held = next(batches)
    before = [array.copy() for array in held]
    for _ in range(QUEUE_DEPTH):
        next(batches)
        kept = [np.array_equal(now, then) for now, then in zip(held, before, strict=True)]
        assert tuple(not one for one in kept) == reused


@pytest.mark.parametrize(("stated", "reused"), REUSED.items())
def test_reused_buffers_stand_where_the_options_say(make, composed, stated, reused):
    """Read from the arrays themselves, None where nothing is reused."""
    options = composed(f"generator={stated}").generator
    assert dict(reused_buffer_offsets(hold(make(stated)))) == {
        array: options[f"{array}_offset_bytes"] if is_reused else None
        for array, is_reused in zip(("inputs", "labels"), reused, strict=True)
    }


@pytest.mark.parametrize("shape", [(1,), (64, 2), (1000, 3)])
@pytest.mark.parametrize("offset", [0, 4, 16, 60])
def test_a_buffer_stands_at_its_offset_whatever_malloc_gives(shape, offset):
    """Twenty at once, all writable and apart from each other."""
    buffers = [generators.buffer_at(shape, offset) for _ in range(20)]
    for i, buffer in enumerate(buffers):
        assert buffer.ctypes.data % 64 == generators.address_offset_bytes(buffer) == offset
        assert buffer.shape == shape and buffer.dtype == np.float64
        buffer[...] = i
    assert [buffer.ravel()[-1] for buffer in buffers] == list(range(20))


@pytest.mark.parametrize("offset", [-4, 64, 3, 18])
def test_an_impossible_offset_is_refused_in_these_words(offset):
    """The whole text."""
    with pytest.raises(ConfigurationError) as refused:
        generators.buffer_at((2,), offset)
    assert str(refused.value) == (
        f"a buffer cannot stand {offset} bytes off a 64-byte boundary.\n"
        "Give an offset from 0 to 60 in steps of 4, for example 16."
    )


def lines_of(path: str) -> set[str]:
    """Return a file's lines without comments."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "conf" / path).read_text().splitlines())
    return {line for line in lines if line}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("generator/reused_inputs.yaml", "generator/reused_inputs_aligned.yaml"),
        ("generator/reused_inputs.yaml", "generator/copied_inputs.yaml"),
        ("generator/fresh_arrays.yaml", "generator/flat_labels.yaml"),
        ("generator/refilled_sample.yaml", "generator/fresh_samples.yaml"),
        ("generator/refilled_tensor.yaml", "generator/fresh_tensors.yaml"),
        ("model/mean_lambda.yaml", "model/flat_mean_lambda.yaml"),
    ],
)
def test_twins_differ_in_one_line(one, other):
    """Comments aside: the diff is the experiment."""
    assert len(lines_of(one) - lines_of(other)) == len(lines_of(other) - lines_of(one)) == 1


def test_files_that_are_no_twins_differ_in_more():
    """The comparison above can fail."""
    one, other = lines_of("generator/fresh_arrays.yaml"), lines_of("generator/reused_pair.yaml")
    assert (len(one - other), len(other - one)) != (1, 1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["refilled_sample", "fresh_samples"])
def test_a_sample_has_one_row_and_its_label(make, name, dtype):
    """Looked at one by one, before the next is drawn, every sample is sound."""
    for inputs, label in islice(make(name, f"+generator.dtype={dtype}"), 70):
        assert (inputs.shape, label.shape) == ((2,), (1,))
        assert inputs.dtype == label.dtype == dtype
        assert label[0] == inputs.mean()


@pytest.mark.parametrize(("name", "reused"), [("refilled_sample", True), ("fresh_samples", False)])
def test_samples_are_one_memory_where_and_only_where_they_are_refilled(make, name, reused):
    """A hundred of them, as a collate holds them."""
    samples = list(islice(make(name), 100))
    assert len({inputs.ctypes.data for inputs, _ in samples}) == (1 if reused else 100)
    assert len({label.ctypes.data for _, label in samples}) == 100


def test_samples_are_drawn_as_batches_are(make):
    """From one seed, row by row: what a collate makes of them is the batch of another runtime."""
    (batch, labels), samples = next(make("fresh_arrays")), list(islice(make("fresh_samples"), 64))
    np.testing.assert_array_equal(batch, [inputs for inputs, _ in samples])
    np.testing.assert_array_equal(labels, [label for _, label in samples])


def functions_of(module: str, one: str, other: str) -> list[list[str]]:
    """Return the lines of two functions, without their indentation, names and docstrings."""
    source = (ROOT / "src" / "pitfalls" / "lab" / module).read_text()
    return [
        [line.strip() for line in re.split(rf"def {name}\(", source)[1].split("\n\n\n")[0].splitlines()]
        for name in (one, other)
    ]


@pytest.mark.parametrize(
    ("module", "one", "other"),
    [
        ("generators.py", "refilled_sample", "fresh_samples"),
        ("torch/generators.py", "refilled_tensor", "fresh_tensors"),
    ],
)
def test_refilled_twins_differ_in_where_one_line_stands(module, one, other):
    """The same lines, the allocation outside the loop or in it; docstrings aside."""
    lines = [
        [line for line in function if '"""' not in line] for function in functions_of(module, one, other)
    ]
    assert sorted(lines[0]) == sorted(lines[1]) and lines[0] != lines[1]
    (moved,) = [line for line in lines[0] if "empty(" in line]
    assert [line for line in lines[0] if line != moved] == [line for line in lines[1] if line != moved]
