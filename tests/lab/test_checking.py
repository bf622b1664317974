"""The stage `check`: the guard fires on what reuses a buffer or disagrees in shape, and nowhere else."""

import json

import pytest

from pitfalls import checking, guard
from pitfalls.config import ROOT
from pitfalls.expectations import expected_rules
from pitfalls.judging import gather, read_guard
from pitfalls.results import write_json
from pitfalls.verification import judge, mechanism_of

REUSING = {"reused_inputs", "reused_inputs_aligned", "reused_pair"}


@pytest.fixture(scope="module")
def checked():
    """Put the guard on everything that conf/ names, once."""
    return checking.check_all(seed=0)


@pytest.fixture
def rules(checked, tmp_path):
    """Return the rules that fired on each cell, as `verify` reads them."""
    write_json(tmp_path / "guard.json", checked)
    return read_guard(tmp_path / "guard.json")


def test_every_generator_that_reuses_a_buffer_is_found_and_no_other(checked):
    """Copying is as good as allocating."""
    fired = {one["generator"]: one["rules"] for one in checked["generators"]}
    assert fired == {name: ["aliased-batch"] if name in REUSING else [] for name in fired}
    assert len(fired) == 6


def test_the_guard_fires_what_each_mechanism_calls_for(rules, result_of):
    """All 72 cells, each from the shapes and buffers that a training of it measures."""
    assert len(rules) == 72
    for (runtime, generator, model), fired in rules.items():
        assert fired == expected_rules(mechanism_of(result_of(runtime, generator, model))), (generator, model)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("keras3", "fresh_arrays", "dense"), []),
        (("keras3", "reused_inputs", "dense"), ["aliased-batch"]),
        (("custom_loop", "flat_labels", "dense"), ["broadcast-loss"]),
        (("keras3", "flat_labels", "flat_mean_lambda"), ["declared-shape"]),
        (
            ("keras2", "reused_pair", "flat_mean_lambda"),
            ["aliased-batch", "broadcast-loss", "declared-shape"],
        ),
    ],
)
def test_some_cells_by_hand(rules, cell, expected):
    """What a reader of the article would expect, written out."""
    assert rules[cell] == expected


def test_a_report_is_the_same_each_time_and_on_every_machine(checked):
    """No address, and no folder of this machine."""
    text = json.dumps(checked)
    assert str(ROOT) not in text
    assert not checking.ADDRESS.search(text)
    assert "0x..." in text
    assert checking.check_all(seed=0) == checked


def test_a_generator_that_cannot_be_checked_is_an_error_and_no_traceback():
    """It ends before its first batch."""
    report = checking.reported(lambda: guard.check(iter(()), name="empty"))
    assert report["status"] == "error"
    assert "nothing to check" in report["not_checked"][0]


@pytest.mark.parametrize(
    ("fired", "reason"),
    [
        ([], "the guard fired nothing, where it must fire aliased-batch"),
        (["aliased-batch", "broadcast-loss"], "the guard fired aliased-batch, broadcast-loss, where it must"),
        (["error"], "the guard fired error, where it must fire aliased-batch"),
    ],
)
def test_a_guard_that_is_silent_or_cries_wolf_fails_the_cell(result_of, fired, reason):
    """The claim holds, and the cell does not."""
    result = result_of("keras3", "reused_inputs", "mean_lambda")
    judged = [(result, judge(result).as_json())]
    cell = ("keras3", "reused_inputs", "mean_lambda")
    (right,) = gather(judged, {cell: ["aliased-batch"]})
    assert (right["verdict"], right["reasons"]) == ("pass", [])
    (wrong,) = gather(judged, {cell: fired})
    assert wrong["verdict"] == "fail"
    assert wrong["reasons"][0].startswith(reason)


def test_a_cell_that_was_not_checked_is_judged_by_its_claim_alone(result_of):
    """`python src/verify.py --matrix mine` needs no stage `check`."""
    result = result_of("keras3", "reused_inputs", "mean_lambda")
    (entry,) = gather([(result, judge(result).as_json())], {})
    assert (entry["guard"], entry["verdict"]) == (None, "pass")
