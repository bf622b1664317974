"""Figures: what is drawn is what was measured, or what the probes found."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_reports import (
    ALLOCATIONS,
    DRAWS,
    TASK,
    allocation_probe,
    committed_verdicts,
    made_material,
    with_first_cell,
)

from pitfalls.report.lottery import hand_overs
from pitfalls.report.page.curves import curves, seed_marks
from pitfalls.report.page.figures import (
    CHARTS,
    answers,
    batch_labels,
    chart,
    column,
    figures,
    listing_1,
    listing_1_of,
    lotteries,
    mean_square,
    misses,
    one_pair,
    square,
)
from pitfalls.report.page.queues import queues
from pitfalls.results import Task
from pitfalls.verdicts.everything import closed_forms_of

DEPTH = len(DRAWS)


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


@pytest.fixture(scope="module")
def drawn():
    """Give the two queues: of one reused buffer, and of arrays of their own."""
    return queues(committed_verdicts().probes)


def test_a_queue_of_one_buffer_holds_the_newest_inputs_ten_times(drawn):
    """All ten references lead to what was written last."""
    reused, _ = drawn
    assert reused.is_one_buffer and reused.probe.buffers == 1
    assert [slot.inputs for slot in reused.slots] == [reused.slots[-1].inputs] * DEPTH == [[55, 93]] * 10


def test_a_label_that_fits_by_chance_is_said_to(drawn):
    """Only the newest label belongs to the buffer; the first draw has the same mean, 74, by chance."""
    reused, _ = drawn
    assert reused.fitting == [1, 10] and reused.by_chance == [1]


def test_a_queue_of_fresh_arrays_fits_throughout(drawn):
    """The fixed twin: ten buffers, ten labels that fit, none of them by chance."""
    _, fresh = drawn
    assert fresh.probe.buffers == DEPTH and all(slot.fits for slot in fresh.slots)
    assert fresh.fitting == list(range(1, 11)) and fresh.by_chance == []


def test_the_drawn_queue_begins_with_the_values_of_the_probe(drawn):
    """The figure and the probe pull the same generator from the same seed."""
    reused, fresh = drawn
    assert (reused.name, fresh.name) == ("reused_inputs", "fresh_arrays")
    assert [slot.label for slot in reused.slots[:2]] == reused.first_labels == [74.0, 38.5]
    assert [slot.inputs for slot in fresh.slots[:2]] == fresh.first_inputs == [[85, 63], [51, 26]]


def test_a_probe_without_a_queue_is_not_drawn():
    """Those of earlier versions held two yields only."""
    probes = [probe.with_changes(queue=[]) for probe in committed_verdicts().probes]
    assert queues(probes) == []


def test_arrays_of_numpy_are_counted_by_address(material):
    """Every array counts once."""
    assert material.allocation.allocations == ALLOCATIONS
    assert sum(material.allocation.allocations.values()) == material.allocation.allocated == 200


@pytest.mark.parametrize(("high", "batch_size"), [(100, 64), (10, 8)])
def test_the_square_is_the_difference_that_numpy_makes(tmp_path, high, batch_size):
    """The number beside the picture is the mean square of (b,) minus (b, 1)."""
    task = Task(high=high, batch_size=batch_size)
    probe = allocation_probe(task)
    verdicts = committed_verdicts().with_changes(closed_forms=closed_forms_of(task))
    material = replace(made_material(tmp_path, verdicts), allocation=probe)
    labels_b1 = np.array(probe.labels[0])
    error_bb = labels_b1[:, 0] - labels_b1
    assert error_bb.shape == (batch_size, batch_size)
    assert mean_square(batch_labels(material)) == pytest.approx(np.mean(error_bb**2))


@pytest.mark.parametrize(("labels", "loss"), [([3.0, 5.0], 2.0), ([7.0, 7.0], 0.0), ([0.0, 3.0, 6.0], 12.0)])
def test_the_mean_square_of_each_with_each(labels, loss):
    """3 and 5: the differences 0, 2, -2, 0 have the mean square 2."""
    assert mean_square(labels) == loss


def test_a_batch_of_another_size_is_not_drawn_as_the_task_s(material):
    """The page says how large its batches are; a picture of another would contradict it."""
    other = material.verdicts.with_changes(closed_forms=closed_forms_of(Task(high=100, batch_size=16)))
    assert batch_labels(with_verdicts(material, other)) == [] and len(batch_labels(material)) == 64


def test_the_square_draws_each_with_each_and_the_column_each_with_its_own(material):
    """b * b squares against b."""
    labels = batch_labels(material)
    assert square(labels)["data"]["sequence"]["stop"] == 4096
    assert column(labels)["data"]["sequence"]["stop"] == 64
    assert parameters(square(labels))["values"] == parameters(column(labels))["values"] == labels


def test_every_cell_has_a_curve_for_each_seed(material):
    """No cell and no seed is left out."""
    drawn = curves(material)
    assert len(drawn) == len(material.verdicts.cells) == 72
    assert all(len(cell["losses"]) == 3 for cell in drawn)


def test_every_cell_has_its_answers_against_the_truth(material):
    """36 pairs for each seed; a cell that is bitten answers one thing, a sound one the truth."""
    drawn = {cell["id"]: cell for cell in curves(material)}
    sound = drawn["keras2/fresh_arrays/dense"]
    assert sound["answers"] == {seed: sound["truths"] for seed in "012"} and len(sound["truths"]) == 36
    bitten = drawn["keras2/reused_inputs/dense"]
    assert {seed: set(values) for seed, values in bitten["answers"].items()} == {
        "0": {49.5},
        "1": {50.5},
        "2": {51.5},
    }


@pytest.mark.parametrize("high", [100, 10])
def test_answers_are_drawn_beside_the_line_on_which_all_are_right(material, high):
    """From 0 to the largest mean, whatever the task."""
    forms = closed_forms_of(Task(high=high, batch_size=TASK.batch_size))
    spec = answers("answers", with_verdicts(material, material.verdicts.with_changes(closed_forms=forms)))
    identity, points = spec["layer"]
    assert identity["data"] == {"name": "identity"}
    assert spec["datasets"]["identity"] == [{"truth": at, "answer": at} for at in (0, high - 1)]
    assert parameters(spec)["largest"] == high - 1
    assert points["encoding"]["shape"]["scale"]["domain"] == ["0", "1", "2"]


def test_a_seed_has_one_shape_in_figures_and_in_text(material):
    """In the order of the numbers; more seeds than shapes begin again."""
    for runs in material.runs.values():
        runs[0] = at_seed(runs[0], 10)
    assert seed_marks(material) == {1: "○", 2: "□", 10: "△"}
    runs = next(iter(material.runs.values()))
    runs.extend(at_seed(runs[0], seed) for seed in (3, 4, 5))
    assert seed_marks(material)[10] == "○"


def test_the_lottery_marks_where_numpy_allocates(material):
    """A run at each offset; an offset that no allocation had is told apart, and the effect is the one judged."""
    drawn = lotteries(material.verdicts.lottery, material.allocation)
    rows = drawn["lottery"]["datasets"]["rows"]
    assert [row["offset"] for row in rows] == list(range(0, 64, 4))
    assert [row["offset"] for row in rows if row["began"]] == [0, 16]
    assert [row["effect"] for row in rows[:2]] == ["bites", "repaired"]
    masked = [ticket.with_changes(effect="masked") for ticket in material.verdicts.lottery]
    assert {row["effect"] for row in lotteries(masked, None)["lottery"]["datasets"]["rows"]} == {"masked"}


def test_the_lottery_in_jax_is_drawn_beside_tensorflow_s(material):
    """Each address, each of its own runtime, and the share of broken rows by the length of a step."""
    drawn = lotteries(material.verdicts.lottery, material.allocation)
    assert [row["loss"] for row in drawn["lottery_jax"]["datasets"]["rows"]] == [690.0] + 15 * [0.0]
    assert [(row["load"], row["broken"]) for row in drawn["loads"]["datasets"]["rows"]] == [
        (1, 0.0),
        (200, 0.83),
    ]
    assert lotteries([], None) == {}


def test_what_only_seems_to_cure_jax_is_told_from_what_does(material):
    """A copy that JAX makes late needs a wait for the batch, and `may_alias=False` is none at all."""
    concluded = {way.way: way.conclusion for way in hand_overs(material.verdicts.lottery)}
    assert concluded == {
        "as_it_is": "no",
        "asarray": "only if you wait for the batch",
        "array_copy": "only if you wait for the batch",
        "device_put": "no",
        "device_put_no_alias": "no",
        "numpy_copy": "yes",
    }


def test_a_claim_that_failed_lies_beyond_one_tolerance(material):
    """The figure's scale reaches to the worst cell."""
    entry = material.verdicts.cells[0]
    missed = entry.claim.loss + 5 * entry.claim.tolerance
    spec = misses(with_verdicts(material, with_first_cell(material.verdicts, measured=missed)))
    assert spec["datasets"]["rows"][0]["miss"] == pytest.approx(5)
    assert spec["layer"][-1]["encoding"]["x"]["scale"]["domain"] == [{"expr": "-reach"}, {"expr": "reach"}]
    assert parameters(spec)["reach"] >= 5


def test_bands_follow_params(material):
    """A band for each generator, models and runtimes apart within it, in the order of params.yaml."""
    spec = misses(material)
    points = spec["layer"][-1]["encoding"]
    assert points["y"]["sort"] == material.axes["generator"] and spec["height"] == 6 * 40
    assert points["yOffset"]["sort"] == ["dense", "mean_lambda", "flat_mean_lambda"]


def test_one_pair_is_asked_of_trained_models_only(material):
    """24 cells of `dense` at three seeds; the lines are the pair's mean and the mean of all means."""
    spec = one_pair(material, 49.5)
    assert spec["datasets"]["lines"] == [{"answer": 65.0}, {"answer": 49.5}]
    assert len(spec["datasets"]["rows"]) == 72
    assert {row["answer"] for row in spec["datasets"]["rows"]} == {49.6, 65.0}


def test_listing_1_is_drawn_with_what_the_article_printed(material):
    """A hundred epochs of ours, six of theirs, and the line at the variance of the mean."""
    spec = listing_1(listing_1_of(material.verdicts.listings), material.verdicts.closed_forms)
    rows = spec["datasets"]
    assert [layer["data"]["name"] for layer in spec["layer"]] == ["floor", "floor", "ours", "ours", "printed"]
    assert rows["floor"] == [{"loss": 416.625, "text": "416.625"}]
    assert len(rows["ours"]) == 100
    assert len(rows["printed"]) == 6
    assert [row["loss"] for row in rows["printed"]][-3:] == [415.05, 416.69, 417.24]


def test_charts_are_plain_data(material):
    """What goes into the page must be JSON without NaN."""
    json.dumps([curves(material), figures(material)], allow_nan=False)
    drawn_twice = {"lottery_jax"}  # the chart of the lottery, with JAX's runs
    assert set(figures(material)) - drawn_twice == {
        path.name.removesuffix(".vl.json") for path in CHARTS.iterdir()
    }


def test_what_was_not_measured_is_not_drawn(tmp_path):
    """An earlier release without runs, closed forms, lottery and probes: the empty charts are left."""
    verdicts = committed_verdicts().with_changes(closed_forms=None)
    material = replace(made_material(tmp_path, verdicts, lottery=False), benchmarks=None)
    assert set(figures(material)) == {"misses", "curve", "answers", "story_curve", "story_answers"}


@pytest.mark.parametrize("path", sorted(CHARTS.iterdir()), ids=lambda path: path.name)
def test_a_chart_says_what_it_shows(path):
    """Whoever opens the file meets a sentence first."""
    assert next(iter(json.loads(path.read_text()))) == "description"
    assert chart(path.name.removesuffix(".vl.json"))["description"].endswith(".")


def parameters(spec):
    """Return the values of a chart's parameters by name."""
    return {param["name"]: param.get("value") for param in spec["params"]}


def at_seed(run, seed):
    """Return a result at another seed."""
    return run.with_changes(cell=run.cell.cell.at(seed))


def with_verdicts(material, verdicts):
    """Return what is shown, with other verdicts."""
    return replace(material, verdicts=verdicts)
