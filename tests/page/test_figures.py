"""Figures: what is drawn is what was measured, or what the generators yield."""

import json

import numpy as np
import pytest
from made_reports import ROOT, committed_verdicts, make

from pitfalls.lab.generators import fresh_arrays
from pitfalls.report.page import charts, demonstrations
from pitfalls.report.page.gathering import gather
from pitfalls.report.page.queueing import ALLOCATIONS, DEPTH, allocation_counts, queues
from pitfalls.report.page.rendering import mean_squares


@pytest.fixture
def material(tmp_path):
    return gather(*make(tmp_path, committed_verdicts()), ROOT)


def test_a_queue_of_one_buffer_holds_the_newest_inputs_ten_times():
    """All ten references lead to what was written last."""
    reused, _ = queues(100, [])
    assert reused["buffers"] == 1
    assert [slot["inputs"] for slot in reused["slots"]] == [reused["slots"][-1]["inputs"]] * DEPTH


def test_a_label_that_fits_by_chance_is_said_to():
    """Only the newest label belongs to the buffer; any other that fits is told apart."""
    reused, _ = queues(100, [])
    fitting = [slot["at"] for slot in reused["slots"] if slot["fits"]]
    assert fitting[-1] == DEPTH and reused["by_chance"] == fitting[:-1]


def test_a_queue_of_fresh_arrays_fits_throughout():
    """The fixed twin: ten buffers, ten labels that fit."""
    _, fresh = queues(100, [])
    assert fresh["buffers"] == DEPTH and all(slot["fits"] for slot in fresh["slots"])


def test_the_drawn_queue_begins_with_the_values_of_the_probe():
    """The figure and the probe pull the same generator from the same seed."""
    verdicts = committed_verdicts()
    reused, fresh = queues(100, verdicts["probes"])
    assert [slot["label"] for slot in reused["slots"][:2]] == reused["probe"]["labels"]
    assert [slot["inputs"] for slot in fresh["slots"][:2]] == fresh["probe"]["inputs"]


def test_arrays_of_numpy_are_counted_by_address():
    """Every array counts once."""
    counts = allocation_counts(64)
    assert sum(counts.values()) == ALLOCATIONS


@pytest.mark.parametrize(("high", "batch_size"), [(100, 64), (10, 8)])
def test_the_square_is_the_difference_that_numpy_makes(high, batch_size):
    """The number beside the picture is the mean square of (b,) minus (b, 1)."""
    _, labels_b1 = next(fresh_arrays(np.random.default_rng(0), high, batch_size))
    error_bb = labels_b1[:, 0] - labels_b1
    assert mean_squares(demonstrations.batch_labels(high, batch_size))["each_with_each"] == pytest.approx(
        np.mean(error_bb**2)
    )


def test_the_square_draws_each_with_each_and_the_column_each_with_its_own():
    """b * b squares against b."""
    labels = demonstrations.batch_labels(100, 64)
    assert demonstrations.differences(labels, 64)["data"]["sequence"]["stop"] == 4096
    assert demonstrations.differences(labels, 1)["data"]["sequence"]["stop"] == 64


def test_every_cell_has_a_curve_for_each_seed(material):
    """No cell and no seed is left out."""
    drawn = charts.curves(material)
    assert len(drawn) == len(material.verdicts["cells"])
    assert all(len(cell["losses"]) == 3 for cell in drawn)


def test_every_cell_has_its_answers_against_the_truth(material):
    """36 pairs for each seed; a cell that is bitten answers one thing, a sound one the truth."""
    drawn = {cell["id"]: cell for cell in charts.curves(material)}
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
    identity, points = charts.answers(material, high, 96, {}, size=14)["layer"]
    ends = [{"truth": at, "answer": at} for at in (0, high - 1)]
    assert identity["data"]["values"] == ends
    assert points["encoding"]["shape"]["scale"]["domain"] == ["0", "1", "2"]


def test_a_seed_has_one_shape_in_figures_and_in_text(material):
    """In the order of the numbers; more seeds than shapes begin again."""
    for runs in material.runs.values():
        runs[0]["cell"]["seed"] = 10
    assert charts.seed_marks(material) == {"1": "○", "2": "□", "10": "△"}
    next(iter(material.runs.values())).extend({"cell": {"seed": seed}} for seed in (3, 4, 5))
    assert charts.seed_marks(material)["10"] == "○"


def test_the_lottery_marks_where_numpy_allocates(material):
    """A run at each offset; an offset that no allocation had is told apart."""
    rows = demonstrations.lottery(material.lottery, {0: 50, 16: 150})["data"]["values"]
    assert [row["offset"] for row in rows] == list(range(0, 64, 4))
    assert [row["offset"] for row in rows if row["began"]] == [0, 16]
    assert [row["effect"] for row in rows[:2]] == ["bites", "repaired"]


def test_a_claim_that_failed_lies_beyond_one_tolerance(material):
    """The figure's scale reaches to the worst cell."""
    entry = material.verdicts["cells"][0]
    entry["measured"] = entry["claim"]["loss"] + 5 * entry["claim"]["tolerance"]
    spec = charts.misses(material)
    assert spec["data"]["values"][0]["miss"] == pytest.approx(5)
    assert spec["layer"][-1]["encoding"]["x"]["scale"]["domain"][1] >= 5


def test_listing_1_is_drawn_with_what_the_article_printed(material):
    """A hundred epochs of ours, six of theirs, and the line at the variance of the mean."""
    entry = next(one for one in material.verdicts["listings"] if one["listing"] == 1)
    floor, _, ours, _, printed = demonstrations.listing_1(entry, 100)["layer"]
    assert floor["encoding"]["y"]["datum"] == 416.625
    assert len(ours["data"]["values"]) == 100
    assert [row["loss"] for row in printed["data"]["values"]][-3:] == [415.05, 416.69, 417.24]


def test_charts_are_plain_data(material):
    """What goes into the page must be JSON without NaN."""
    json.dumps(
        [
            charts.curves(material),
            charts.misses(material),
            charts.answers(material, 100, 96, {}, size=14),
            charts.answers_to_one_pair(material, 65, 49.5),
        ],
        allow_nan=False,
    )
