"""Verification from both sides: a right result passes, one that is wrong by another effect's number fails."""

import math

import pytest
from pydantic import ValidationError

from pitfalls.claims.twin import Schedule, rmsprop_excess
from pitfalls.verdicts.run import judge

QUICK = Schedule(rates=((0, 0.1), (1500, 0.01), (1800, 0.001)), steps=3000, window_steps=1000)
V, S, B, C = 416.625, 833.25, 820.230, 416.523
BROKEN = 0.99333  # 1 - P0 at 100: the share of independent rows that do not agree by chance
SQUARE, COLUMN, FLAT = [64, 64], [64, 1], [64]
PART = 0.9  # the q of a race


def profile(loss, q=0.0, difference=COLUMN, rewritten=0.0):
    """Return the measurements that tell effects apart."""
    return {
        "final_loss": loss,
        "broken_rows": q * BROKEN,
        "loss_difference": difference,
        "rewritten_batches": rewritten,
        "repeated_batches": 0.2 * rewritten,
    }


FIXED = {
    "sound": profile(0.0),
    "sound, rewritten": profile(0.0, rewritten=1.0),
    "sound, flat": profile(0.0, difference=FLAT),
    "stale": profile(S, 1.0, rewritten=1.0),
    "part stale": profile(PART * S, PART, rewritten=1.0),
    "broadcast": profile(B, difference=SQUARE),
    "broadcast, rewritten": profile(B, difference=SQUARE, rewritten=1.0),
    "stale broadcast": profile(S, 1.0, SQUARE, rewritten=1.0),
    "part stale broadcast": profile(PART * S + (1 - PART) * B, PART, SQUARE, rewritten=1.0),
}


def with_excess(optimum, q=0.0, broadcasts=False):
    """Return what a Dense measures: its optimum and what RMSprop adds."""
    return optimum + rmsprop_excess(100, 64, (q,), broadcasts, QUICK).loss


DENSE = {
    "sound": profile(with_excess(0)),
    "sound, rewritten": profile(with_excess(0), rewritten=1.0),
    "stale": profile(with_excess(V, 1.0), 1.0, rewritten=1.0),
    "part stale": profile(with_excess(V * 0.99, PART), PART, rewritten=1.0),
    "broadcast": profile(with_excess(C, 0.0, True), difference=SQUARE),
    "a fixed model's stale": profile(S, 1.0, rewritten=1.0),
}

# For each kind of cell an example, and the profiles that are right for it. All others must fail.
CELLS = {
    ("keras2", "reused_inputs", "dense"): {"stale"},
    ("keras2", "reused_inputs_aligned", "mean_lambda"): {"stale"},
    ("keras2", "reused_inputs", "flat_mean_lambda"): {"stale broadcast"},
    ("keras2", "reused_pair", "dense"): {"sound, rewritten"},
    ("keras2", "reused_pair", "mean_lambda"): {"sound, rewritten"},
    ("keras2", "reused_pair", "flat_mean_lambda"): {"broadcast", "broadcast, rewritten"},
    ("keras2", "fresh_arrays", "dense"): {"sound", "sound, rewritten"},
    ("keras2", "fresh_arrays", "mean_lambda"): {"sound", "sound, rewritten"},
    ("keras2", "copied_inputs", "flat_mean_lambda"): {"broadcast", "broadcast, rewritten"},
    ("keras2", "flat_labels", "dense"): {"sound"},
    ("keras2", "flat_labels", "mean_lambda"): {"sound"},
    ("keras3", "reused_inputs", "dense"): {"sound"},
    ("keras3", "reused_inputs", "flat_mean_lambda"): {"sound"},
    ("keras3", "reused_inputs_aligned", "dense"): {"part stale", "stale"},
    ("keras3", "reused_inputs_aligned", "mean_lambda"): {"part stale", "stale"},
    ("keras3", "flat_labels", "mean_lambda"): {"sound"},
    ("keras3", "flat_labels", "flat_mean_lambda"): {"sound, flat"},
    ("keras3_workers", "reused_inputs", "flat_mean_lambda"): {"part stale", "stale"},
    ("keras3_workers", "reused_pair", "mean_lambda"): {"sound, rewritten"},
    ("custom_loop", "reused_inputs", "dense"): {"part stale", "stale"},
    ("custom_loop", "reused_inputs", "flat_mean_lambda"): {"part stale broadcast", "stale broadcast"},
    ("custom_loop", "reused_pair", "dense"): {"sound, rewritten"},
    ("custom_loop", "reused_pair", "flat_mean_lambda"): {"broadcast", "broadcast, rewritten"},
    ("custom_loop", "flat_labels", "dense"): {"broadcast"},
    ("custom_loop", "flat_labels", "mean_lambda"): {"broadcast", "broadcast, rewritten"},
    ("custom_loop", "flat_labels", "flat_mean_lambda"): {"sound, flat"},
}


def cases():
    """Return (cell, profile's name, whether it is right) of every pair."""
    for cell, right in CELLS.items():
        for name in DENSE if cell[2] == "dense" else FIXED:
            yield pytest.param(cell, name, name in right, id=f"{'-'.join(cell)}: {name}")


def standard_error(loss, is_dense):
    """Return the scatter of a loss over its window: rows of 1000 or 300 batches, or RMSprop's jitter."""
    rows = 64 * (1000 if is_dense else 300)
    return loss * math.sqrt(1.7 / rows) if loss > 1 else 6e-5 * is_dense


@pytest.mark.parametrize(("cell", "name", "is_right"), list(cases()))
def test_a_cell_passes_with_its_own_effect_s_numbers_and_with_no_other(result_of, cell, name, is_right):
    """V for 0, S for V, B for S, C for V: the loss, the share, the shape or the effect gives it away."""
    measured = (DENSE if cell[2] == "dense" else FIXED)[name]
    error = standard_error(measured["final_loss"], cell[2] == "dense")
    verdict = judge(result_of(*cell, standard_error=error, **measured))
    assert verdict.verdict == ("pass" if is_right else "fail"), verdict.reasons


def reasons(result):
    """Return why a result fails, which a passing one does not."""
    verdict = judge(result)
    assert (verdict.verdict == "fail") == bool(verdict.reasons)
    return verdict.reasons


def test_a_stale_loss_where_none_is_claimed_is_named(result_of):
    """V for 0 in a clean cell: the loss and the share are off."""
    measured = DENSE["stale"]
    result = result_of("keras3", "fresh_arrays", "dense", standard_error=1.9, **measured)
    assert reasons(result) == [
        "loss 417.228 is not 0.00287335 within 7.6",
        "share of independent rows 1.0000 is not in [0, 0]",
    ]


def test_a_broadcast_for_a_stale_loss_is_named_by_its_share(result_of):
    """B for S: 13 apart, which the loss cannot tell at this length; the share of independent rows can."""
    result = result_of("keras2", "reused_inputs", "flat_mean_lambda", standard_error=8, **FIXED["broadcast"])
    assert reasons(result) == [
        "share of independent rows 0.0000 is not in [1, 1]",
    ]


def test_a_learned_broadcast_for_a_stale_loss_is_named_by_share_and_shape(result_of):
    """C for V: 0.1 apart. What the loss cannot tell, the share and the difference's shape do."""
    result = result_of("keras2", "reused_inputs", "dense", standard_error=1.9, **DENSE["broadcast"])
    assert reasons(result) == [
        "share of independent rows 0.0000 is not in [1, 1]",
        "the loss computed on [64, 64], not on [64, 1]",
    ]


def test_a_stale_loss_for_a_learned_broadcast_is_named_by_share_and_shape(result_of):
    """V for C, the other way round."""
    result = result_of("custom_loop", "flat_labels", "dense", standard_error=1.9, **DENSE["stale"])
    assert reasons(result) == [
        "share of independent rows 1.0000 is not in [0, 0]",
        "the loss computed on [64, 1], not on [64, 64]",
    ]


def test_a_fixed_model_s_loss_for_a_trained_one_s_is_named(result_of):
    """S for V: a Dense that learned nothing of the noise pays V, not twice that."""
    measured = DENSE["a fixed model's stale"]
    (reason,) = reasons(result_of("keras2", "reused_inputs", "dense", standard_error=1.9, **measured))
    assert reason == "loss 833.25 is not 417.228 within 7.63"


@pytest.mark.parametrize("runtime", ["keras3_workers", "custom_loop"])
@pytest.mark.parametrize(("q", "holds"), [(0.49, False), (0.51, True), (1.0, True), (1.01, False)])
def test_a_race_that_bites_has_bounds(result_of, runtime, q, holds):
    """The identity holds throughout; below a half, or above one, the claim does not."""
    measured = profile(q * S, q, rewritten=1.0)
    found = reasons(result_of(runtime, "reused_inputs", "mean_lambda", standard_error=8, **measured))
    assert found == ([] if holds else [f"share of independent rows {q:.4f} is not in [0.5, 1]"])


@pytest.mark.parametrize(
    ("q", "holds"), [(0.1, False), (0.24, False), (0.26, True), (0.38, True), (1.01, False)]
)
def test_the_race_of_a_prefetch_has_a_lower_bound(result_of, q, holds):
    """Under `fit` the step may outrun the generator: 0.38 was measured, and is no failure."""
    measured = profile(q * S, q)
    found = reasons(result_of("keras3", "reused_inputs_aligned", "mean_lambda", standard_error=8, **measured))
    assert found == ([] if holds else [f"share of independent rows {q:.4f} is not in [0.25, 1]"])


@pytest.mark.parametrize(("q", "holds"), [(0.0, True), (0.04, True), (0.06, False)])
def test_a_race_that_is_masked_has_a_bound(result_of, q, holds):
    """A twentieth of the rows may be torn."""
    measured = profile(q * S, q, rewritten=1.0)
    found = reasons(result_of("custom_loop", "reused_pair", "mean_lambda", standard_error=1, **measured))
    wrong = [f"share of independent rows {q:.4f} is not in [0, 0.05]", "effect bites, not masked"]
    assert found == ([] if holds else wrong[: len(found)]) and bool(found) != holds


def test_a_race_whose_loss_is_not_its_share_s_fails(result_of):
    """q = 0.9 predicts 750; a loss of 500 comes from something else."""
    measured = profile(500.0, PART, rewritten=1.0)
    found = reasons(result_of("custom_loop", "reused_inputs", "mean_lambda", standard_error=8, **measured))
    assert [reason.split(" is not")[0] for reason in found] == ["loss 500"]


@pytest.mark.parametrize("difference", [SQUARE, FLAT, [64, 2], []])
def test_a_wrong_difference_fails_though_all_else_is_right(result_of, difference):
    """The shape is part of the claim."""
    measured = profile(S, 1.0, difference, rewritten=1.0)
    found = reasons(result_of("keras2", "reused_inputs", "mean_lambda", standard_error=8, **measured))
    assert found == [f"the loss computed on {difference}, not on [64, 1]"]


def test_a_repaired_cell_that_was_rewritten_has_the_wrong_effect(result_of):
    """Nothing shows in the loss, and yet later content reached the model: masked, not repaired."""
    measured = profile(0.0, rewritten=1.0)
    assert reasons(result_of("keras3", "reused_inputs", "mean_lambda", **measured)) == [
        "effect masked, not repaired"
    ]


@pytest.mark.parametrize(("repeated", "effect"), [(0.0067, "repaired"), (0.01, "repaired"), (0.2, "masked")])
def test_batches_that_repeat_by_chance_are_no_rewriting(result_of, repeated, effect):
    """At high 10 and batch 1 one draw in a hundred is the one before; a buffer read twice shows far more."""
    result = result_of(
        "keras3", "reused_inputs", "mean_lambda", high=10, batch_size=1, repeated_batches=repeated
    )
    assert judge(result).effect == effect


def test_a_masked_cell_that_nothing_rewrote_has_the_wrong_effect(result_of):
    """The delay line must hand on what was refilled, or it is no queue of references."""
    assert reasons(result_of("keras2", "reused_pair", "mean_lambda")) == ["effect repaired, not masked"]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_fails(result_of, loss):
    """A training that blew up is no result at all, whatever its standard error."""
    for error in (1.0, math.nan):
        with pytest.raises(ValidationError, match="finite number"):
            result_of("keras2", "fresh_arrays", "mean_lambda", final_loss=loss, standard_error=error)


def test_a_verdict_has_the_keys_that_are_written_down(result_of):
    """verdict.json is read by others."""
    verdict = judge(result_of("keras2", "fresh_arrays", "mean_lambda")).as_json()
    assert list(verdict) == ["claim", "effect", "verdict", "reasons", "guard"]
    assert list(verdict["claim"])[:5] == ["kind", "loss", "tolerance", "formula", "reason"]
    assert list(verdict["claim"])[5:] == ["run_error", "shared_error"]
    assert verdict["claim"]["kind"] == "closed_form"
    assert verdict["claim"]["reason"] == "inputs and labels reach the model as they were yielded."


def test_a_race_that_came_apart_late_is_judged_by_a_twin_that_did_too(result_of):
    """Rows that match for the first 900 steps end at some 440 where 417 would be claimed: the twin follows them."""
    late = [0.0] * 9 + [BROKEN] * 21
    shares = (0.0,) * 9 + (1.0,) * 21
    loss = V + rmsprop_excess(100, 64, shares, False, QUICK).loss
    measured = {"final_loss": loss, "broken_rows": BROKEN, "standard_error": 2.0, "repeated_batches": 0.1}
    cell = ("keras3", "reused_inputs_aligned", "dense")
    assert judge(result_of(*cell, **measured, broken_rows_over_time=late)).reasons == []
    assert loss > V + 20
    (reason,) = judge(result_of(*cell, **measured)).reasons
    assert "is not 417" in reason
