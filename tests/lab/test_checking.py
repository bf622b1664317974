"""The stage `check`: the guard fires on what reuses a buffer or disagrees in shape, and nowhere else."""

import json

import pytest

from pitfalls import claims, guard
from pitfalls.config.frameworks import why_missing
from pitfalls.errors import ConfigurationError, ResultError
from pitfalls.files import write_json
from pitfalls.project import ROOT, Cell
from pitfalls.stages import check as checking
from pitfalls.stages import guarded
from pitfalls.verdicts.guard import GuardReport
from pitfalls.verdicts.run import judge, mechanism_of

REUSING = {
    "reused_inputs": "aliased-batch",
    "reused_inputs_aligned": "aliased-batch",
    "reused_pair": "aliased-batch",
    "refilled_tensor": "aliased-batch",
    "refilled_sample": "refilled-sample",
}
HAS_TORCH = not why_missing("torch")
TENSORFLOW = {"keras2", "keras3", "keras3_workers", "custom_loop"}
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed")
CELLS = 216 if HAS_TORCH else 126


@pytest.fixture(scope="module")
def checked():
    """Put the guard on everything that conf/ names, once."""
    return checking.check_all(seed=0)


@pytest.fixture
def rules(checked, tmp_path):
    """Return the rules that fired on each cell, as `verify` reads them."""
    checked.write(tmp_path / "guard.json")
    report = GuardReport.read_or_empty(tmp_path / "guard.json")
    return {model.cell: sorted(set(report.fired(model.cell))) for model in report.models}


def test_every_generator_that_reuses_a_buffer_is_found_and_no_other(checked):
    """Copying is as good as allocating."""
    fired = {report.generator: report.rules for report in checked.generators}
    assert fired == {name: [REUSING[name]] if name in REUSING else [] for name in fired}
    assert len(fired) == (10 if HAS_TORCH else 6)


def test_the_guard_fires_what_each_mechanism_calls_for(rules, result_of):
    """All cells of the three frameworks, each from the shapes and buffers that a training of it measures."""
    assert len(rules) == CELLS
    for cell, fired in rules.items():
        result = result_of(*cell.options.values())
        assert fired == claims.of(mechanism_of(result), result.task).rules, cell


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("keras3", "fresh_arrays", "dense"), []),
        (("keras3", "reused_inputs", "dense"), ["aliased-batch"]),
        (("custom_loop", "flat_labels", "dense"), ["broadcast-loss"]),
        (("keras3", "flat_labels", "flat_mean_lambda"), ["declared-shape"]),
        (("jax_loop", "flat_labels", "dense"), ["broadcast-loss"]),
        (("keras3_jax", "reused_inputs", "mean_lambda"), ["aliased-batch"]),
        pytest.param(("torch_loader", "flat_labels", "dense"), ["broadcast-loss"], marks=needs_torch),
        pytest.param(("torch_collate", "refilled_sample", "dense"), ["refilled-sample"], marks=needs_torch),
        pytest.param(("torch_workers", "refilled_tensor", "dense"), ["aliased-batch"], marks=needs_torch),
        pytest.param(("keras3_torch", "flat_labels", "dense"), ["broadcast-loss"], marks=needs_torch),
        (
            ("keras2", "reused_pair", "flat_mean_lambda"),
            ["aliased-batch", "broadcast-loss", "declared-shape"],
        ),
    ],
)
def test_some_cells_by_hand(rules, cell, expected):
    """What a reader of the article would expect, written out."""
    assert rules[Cell(*cell)] == expected


def test_a_report_is_the_same_each_time_and_on_every_machine(checked):
    """No address, and no folder of this machine."""
    text = json.dumps(checked.as_json())
    assert str(ROOT) not in text
    assert not guarded.ADDRESS.search(text)
    assert "0x..." in text
    again = guarded.checked_with("tensorflow", seed=0)
    assert again.models == [model for model in checked.models if model.runtime in TENSORFLOW]
    assert all(generator in checked.generators for generator in again.generators)


def test_a_generator_that_cannot_be_checked_is_an_error_and_no_traceback():
    """It ends before its first batch."""
    report = guarded.reported(lambda: guard.check(iter(()), name="empty"))
    assert report.status == "error"
    assert "nothing to check" in report.not_checked[0]


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
    right = judge(result, ["aliased-batch"] * 2)
    assert (right.verdict, right.reasons) == ("pass", [])
    wrong = judge(result, fired)
    assert wrong.verdict == "fail"
    assert wrong.reasons[0].startswith(reason)


def test_a_cell_that_was_not_checked_is_judged_by_its_claim_alone(result_of):
    """`python src/verify.py --matrix mine` needs no stage `check`."""
    result = result_of("keras3", "reused_inputs", "mean_lambda")
    verdict = judge(result, GuardReport().fired(result.cell.cell))
    assert (verdict.guard, verdict.verdict) == (None, "pass")


def test_what_could_not_be_checked_counts_against_the_guard(tmp_path):
    """An error is a finding that no cell expects."""
    report = {"status": "error", "rules": [], "findings": [], "not_checked": ["It ended."]}
    model = {"runtime": "keras3", "generator": "empty", "model": "dense", **report}
    content = {"schema": 1, "generators": [{"generator": "empty", **report}], "models": [model]}
    write_json(tmp_path / "guard.json", content)
    fired = GuardReport.read_or_empty(tmp_path / "guard.json").fired(Cell("keras3", "empty", "dense"))
    assert fired == ["error", "error"]


def test_a_damaged_report_of_the_guard_is_named_with_its_cure(tmp_path):
    """No traceback."""
    (tmp_path / "guard.json").write_text("[]")
    with pytest.raises(ResultError, match="Run python src/check"):
        GuardReport.read_or_empty(tmp_path / "guard.json")


def test_a_keras_backend_that_is_not_traced_is_refused_and_not_overwritten(monkeypatch):
    """The whole text."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ConfigurationError) as refused:
        checking.check_all(seed=0)
    assert str(refused.value) == (
        "KERAS_BACKEND=jax is set in the environment, and this needs Keras on tensorflow.\n"
        "Unset it for this command: put `env -u KERAS_BACKEND` in front of it."
    )
