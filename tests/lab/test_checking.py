"""The stage `check`: the guard fires on what reuses a buffer or disagrees in shape, and nowhere else."""

import json

import pytest

from pitfalls import guard
from pitfalls.claims.closed_forms import expected_rules
from pitfalls.config.schema import ROOT
from pitfalls.errors import ResultError
from pitfalls.results import write_json
from pitfalls.stages import check as checking
from pitfalls.verdicts.cells import read_guard, with_guard
from pitfalls.verdicts.run import judge, mechanism_of

REUSING = {"reused_inputs", "reused_inputs_aligned", "reused_pair"}


@pytest.fixture(scope="module")
def checked():
    """Put the guard on everything that conf/ names, once."""
    return checking.check_all(seed=0)


@pytest.fixture
def rules(checked, tmp_path):
    """Return the rules that fired on each cell, as `verify` reads them."""
    write_json(tmp_path / "guard.json", checked)
    found = read_guard(tmp_path / "guard.json")
    return {cell: sorted({finding["rule"] for finding in findings}) for cell, findings in found.items()}


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
def test_a_guard_that_is_silent_or_cries_wolf_fails_the_run(result_of, fired, reason):
    """The claim holds, and the verdict is `fail`."""
    result = result_of("keras3", "reused_inputs", "mean_lambda")
    verdict, cell = judge(result).as_json(), ("keras3", "reused_inputs", "mean_lambda")
    right = with_guard(verdict, result, {cell: [{"rule": "aliased-batch"}] * 2})
    assert (right["verdict"], right["reasons"]) == ("pass", [])
    wrong = with_guard(verdict, result, {cell: [{"rule": rule} for rule in fired]})
    assert wrong["verdict"] == "fail"
    assert wrong["reasons"][0].startswith(reason)


def test_a_cell_that_was_not_checked_is_judged_by_its_claim_alone(result_of):
    """`python src/verify.py --matrix mine` needs no stage `check`."""
    result = result_of("keras3", "reused_inputs", "mean_lambda")
    joined = with_guard(judge(result).as_json(), result, {})
    assert (joined["guard"], joined["verdict"]) == (None, "pass")


def test_what_could_not_be_checked_counts_against_the_guard(tmp_path):
    """An error is a finding that no cell expects."""
    report = {"status": "error", "rules": [], "findings": [], "not_checked": ["It ended."]}
    model = {"runtime": "keras3", "generator": "empty", "model": "dense", **report}
    content = {"schema": 1, "generators": [{"generator": "empty", **report}], "models": [model]}
    write_json(tmp_path / "guard.json", content)
    found = read_guard(tmp_path / "guard.json")[("keras3", "empty", "dense")]
    assert [finding["rule"] for finding in found] == ["error", "error"]


def test_a_damaged_report_of_the_guard_is_named_with_its_cure(tmp_path):
    """No traceback."""
    (tmp_path / "guard.json").write_text("[]")
    with pytest.raises(ResultError, match="Run python src/check"):
        read_guard(tmp_path / "guard.json")
