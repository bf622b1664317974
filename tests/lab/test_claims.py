"""The claims of all 216 cells, derived from mechanisms, against the design's table written out."""

import pytest

from pitfalls import claims
from pitfalls.claims import Expectation, expectation
from pitfalls.results import Offsets
from pitfalls.verdicts.run import judge, mechanism_of

V, S, B, C = "V", "S = 2 V", "B = 2 V (1 - 1/b)", "C = V (1 - 1/b^2)"
RACE_DENSE, RACE_FIXED, RACE_BROADCAST = "V (1 - (1 - q)^2)", "q S", "q S + (1 - q) B"

# runtime, generators, then for each model: formula, is it a race (†), effect.
TABLE = """
keras2          reused_inputs reused_inputs_aligned   V     bites     | S     bites     | S          bites
keras2          reused_pair                           0     masked    | 0     masked    | B          bites
keras2          fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
keras2          flat_labels                           0     repaired  | 0     repaired  | B          bites
keras3          reused_inputs                         0     repaired  | 0     repaired  | 0          repaired
keras3          reused_inputs_aligned                 †V(q) bites     | †qS   bites     | †qS        bites
keras3          reused_pair                           0     repaired  | 0     repaired  | 0          repaired
keras3          fresh_arrays copied_inputs            0     clean     | 0     clean     | 0          repaired
keras3          flat_labels                           0     repaired  | 0     repaired  | 0          masked
keras3_workers  reused_inputs reused_inputs_aligned   †V(q) bites     | †qS   bites     | †qS        bites
keras3_workers  reused_pair                           †0    masked    | †0    masked    | †0         masked
keras3_workers  fresh_arrays copied_inputs            0     clean     | 0     clean     | 0          repaired
keras3_workers  flat_labels                           0     repaired  | 0     repaired  | 0          masked
custom_loop     reused_inputs reused_inputs_aligned   †V(q) bites     | †qS   bites     | †qS+(1-q)B bites
custom_loop     reused_pair                           †0    masked    | †0    masked    | †B         bites
custom_loop     fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
custom_loop     flat_labels                           C     bites     | B     bites     | 0          masked
jax_loop        reused_inputs reused_pair             0     repaired  | 0     repaired  | B          bites
jax_loop        reused_inputs_aligned                 †V(q) bites     | †qS   bites     | †qS+(1-q)B bites
jax_loop        fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
jax_loop        flat_labels                           C     bites     | B     bites     | 0          masked
jax_prefetch    reused_inputs reused_pair             0     repaired  | 0     repaired  | B          bites
jax_prefetch    reused_inputs_aligned                 †V(q) bites     | †qS   bites     | †qS+(1-q)B bites
jax_prefetch    fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
jax_prefetch    flat_labels                           C     bites     | B     bites     | 0          masked
keras3_jax      reused_inputs reused_pair             0     repaired  | 0     repaired  | 0          repaired
keras3_jax      reused_inputs_aligned                 †V(q) bites     | †qS   bites     | †qS        bites
keras3_jax      fresh_arrays copied_inputs            0     clean     | 0     clean     | 0          repaired
keras3_jax      flat_labels                           0     repaired  | 0     repaired  | 0          masked
torch_loader    reused_inputs reused_inputs_aligned   0     repaired  | 0     repaired  | B          bites
torch_loader    reused_pair refilled_tensor           0     repaired  | 0     repaired  | B          bites
torch_loader    fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
torch_loader    fresh_tensors                         0     clean     | 0     clean     | B          bites
torch_loader    flat_labels                           C     bites     | B     bites     | 0          masked
torch_workers   reused_inputs reused_inputs_aligned   †0    rare      | †0    rare      | †B         bites
torch_workers   reused_pair                           †0    rare      | †0    rare      | †B         bites
torch_workers   refilled_tensor                       †V(q) bites     | †qS   bites     | †qS+(1-q)B bites
torch_workers   fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
torch_workers   fresh_tensors                         0     clean     | 0     clean     | B          bites
torch_workers   flat_labels                           C     bites     | B     bites     | 0          masked
torch_collate   refilled_sample                       C     bites     | B     bites     | B          bites
torch_collate   fresh_samples                         0     clean     | 0     clean     | B          bites
torch_loop      reused_inputs reused_inputs_aligned   †V(q) bites     | †qS   bites     | †qS+(1-q)B bites
torch_loop      reused_pair                           †0    open      | †0    open      | †B         bites
torch_loop      fresh_arrays copied_inputs            0     clean     | 0     clean     | B          bites
torch_loop      flat_labels                           C     bites     | B     bites     | 0          masked
keras3_torch    reused_inputs reused_inputs_aligned   0     repaired  | 0     repaired  | 0          repaired
keras3_torch    reused_pair                           0     repaired  | 0     repaired  | 0          repaired
keras3_torch    fresh_arrays copied_inputs            0     clean     | 0     clean     | 0          repaired
keras3_torch    flat_labels                           0     repaired  | 0     repaired  | 0          masked
"""
MODELS = ("dense", "mean_lambda", "flat_mean_lambda")
OPEN = "open"
"""Where a race may end in several effects, and none is claimed."""

LOSS_OF = {"0": 0.0, "V": 416.625, "S": 833.25, "B": 820.23, "C": 416.52}


def cells() -> list[tuple[str, str, str, str, bool, str]]:
    """Return (runtime, generator, model, claim, is a race, effect) of each cell of the table."""
    found = []
    for line in TABLE.strip().splitlines():
        left, *rest = (part.split() for part in line.split("|"))
        runtime, *generators = left[:-2]
        for model, (claim, effect) in zip(MODELS, [left[-2:], *rest], strict=True):
            for generator in generators:
                found.append((runtime, generator, model, claim.lstrip("†"), claim.startswith("†"), effect))
    return found


def test_the_table_above_has_every_cell_once():
    """10 runtimes of 6 generators and 2 of 8, one of samples with 2; each with 3 models."""
    names = {cell[:3] for cell in cells()}
    assert len(cells()) == len(names) == (9 * 6 + 2 * 8 + 2) * 3


def expected(result) -> Expectation:
    """Return what must come of a run, by the road that a result takes."""
    return claims.of(mechanism_of(result), result.task)


@pytest.mark.parametrize(("runtime", "generator", "model", "claim", "is_race", "effect"), cells())
def test_a_cell_claims_what_the_design_derives(result_of, runtime, generator, model, claim, is_race, effect):
    """Loss, race and effect follow from buffers, feed and shapes alone."""
    cell_s = expected(result_of(runtime, generator, model))
    coupling = cell_s.coupling
    assert (cell_s.effect or OPEN) == effect
    assert coupling.is_race == is_race
    share = coupling.least if not is_race else 0.9 if effect == "bites" else 0.0
    # FACTS' identities for q = 0.9, written out again.
    loss = LOSS_OF.get(claim) if not is_race else race_loss(claim, share)
    if claim == "B" and is_race:  # both buffers refilled: q is next to nothing
        share, loss = 0.0, 820.23
    assert cell_s.loss(share) == pytest.approx(loss, abs=5e-3)


def race_loss(claim: str, q: float) -> float:
    """Return the identity between q and the loss that a dagger stands for."""
    return {
        "V(q)": 416.625 * (1 - (1 - q) ** 2),
        "qS": q * 833.25,
        "qS+(1-q)B": q * 833.25 + (1 - q) * 820.23,
        "0": 0.0,
        "B": 820.23,
    }[claim]


@pytest.mark.parametrize(("runtime", "generator", "model", "claim", "is_race", "effect"), cells())
def test_a_cell_prints_the_formula_of_its_claim(result_of, runtime, generator, model, claim, is_race, effect):
    """A table's reader sees the symbols of the design; a masked race shows what its q would cost."""
    printed = expected(result_of(runtime, generator, model)).formula
    if not is_race:
        assert printed == {"0": "0", "V": V, "S": S, "B": B, "C": C}[claim]
    elif model == "dense":
        assert printed == RACE_DENSE
    else:
        assert printed == (RACE_BROADCAST if "B" in claim else RACE_FIXED)


@pytest.mark.parametrize(("runtime", "generator", "model", "claim", "is_race", "effect"), cells())
def test_a_cell_bounds_its_share_of_independent_rows(
    result_of, runtime, generator, model, claim, is_race, effect
):
    """At least half, or as a feed was seen to, where a race bites by aliasing; at most 5 % where masked, 25 % if rare."""
    seen = expected(result_of(runtime, generator, model)).coupling
    is_aliased = generator.startswith(("reused_inputs", "refilled_tensor")) and claim not in ("0", "B")
    if is_race:
        bites_from = {"keras3": 0.25, "torch_workers": 0.45}.get(runtime, 0.5)
        most = {"torch_loop": 1, "torch_workers": 0.45}.get(runtime, 0.05)
        assert (seen.least, seen.most) == ((bites_from, 1) if is_aliased else (0, most))
    elif generator == "refilled_sample":
        assert seen.least == seen.most == 63 / 64
    else:
        assert (seen.least, seen.most) == ((1, 1) if is_aliased else (0, 0))


@pytest.mark.parametrize(("runtime", "generator", "model", "claim", "is_race", "effect"), cells())
def test_a_cell_s_difference_is_square_where_and_only_where_ranks_meet_unprotected(
    result_of, runtime, generator, model, claim, is_race, effect
):
    """Keras 2.2 expands labels, today's losses repair ranks, hand-written ones do neither."""
    difference = expected(result_of(runtime, generator, model)).difference
    label_is_flat = generator == "flat_labels" and runtime != "keras2"
    differ = label_is_flat != (model == "flat_mean_lambda")
    if (runtime in ("keras2", "custom_loop") or runtime.startswith(("jax_", "torch_"))) and differ:
        assert difference == (64, 64)
    elif not differ and label_is_flat:
        assert difference == (64,)
    else:
        assert difference == (64, 1)


def test_a_thread_in_place_of_the_delay_line_turns_certainty_into_a_race(result_of):
    """`keras2` with feed.threaded=true is bounded, not exact."""
    result = result_of("keras2", "reused_inputs", "mean_lambda")
    threaded = result.mechanism.with_changes(threaded=True)
    seen = expected(result.with_changes(mechanism=threaded)).coupling
    assert seen.is_race and (seen.least, seen.most) == (0.5, 1)


@pytest.mark.parametrize(
    ("inputs", "labels", "bounds"),
    [
        (16, 16, (0, 0)),
        (0, 16, (0.25, 1)),
        (16, 0, (0.25, 1)),
        (0, 0, (0, 1)),
        (0, None, (0.25, 1)),
        (16, None, (0, 0)),
    ],
)
def test_fit_is_bitten_by_the_buffers_that_stand_on_a_boundary(result_of, inputs, labels, bounds):
    """It copies each array as it pulls it, and holds a reference to those that TensorFlow can wrap."""
    result = result_of("keras3", "reused_pair", "mean_lambda")
    offsets = Offsets(inputs=inputs, labels=labels)
    seen = expected(result.with_changes(buffer_address_mod_64=offsets)).coupling
    assert (seen.least, seen.most) == bounds


@pytest.mark.parametrize(
    ("runtime", "load", "dtype", "bounds", "effect"),
    [
        ("jax_loop", 200, "float32", (0.5, 1), "bites"),
        ("jax_loop", 400, "int32", (0.5, 1), "bites"),
        ("jax_loop", 199, "float32", (0, 1), None),
        ("jax_loop", 200, "float64", (0, 0), "repaired"),
        ("jax_prefetch", 1, "float32", (0.5, 1), "bites"),
        ("jax_prefetch", 1, "float64", (0, 0), "repaired"),
        ("keras3_jax", 300, "float32", (0.5, 1), "bites"),
        ("keras3_jax", 200, "float32", (0, 1), None),
        ("keras3_jax", 300, "float64", (0, 0), "repaired"),
        ("keras3", 0, "float64", (0.25, 1), "bites"),
        ("keras3", 0, "float32", (0.25, 1), "bites"),
    ],
)
def test_jax_shares_what_it_need_not_convert_and_reads_late_where_a_step_is_long(
    result_of, runtime, load, dtype, bounds, effect
):
    """A short step may be read in time or not, and then nothing bounds q; TensorFlow shares any type."""
    result = result_of(runtime, "reused_inputs_aligned", "mean_lambda")
    mechanism = result.mechanism.with_changes(dtype=dtype)
    cell = expected(result.with_changes(mechanism=mechanism, load=load))
    assert (cell.coupling.least, cell.coupling.most, cell.effect) == (*bounds, effect)


@pytest.mark.parametrize("runtime", ["keras3", "jax_loop", "jax_prefetch", "keras3_jax"])
def test_a_pair_on_boundaries_is_a_race_that_may_end_in_any_effect(result_of, runtime):
    """Inputs and labels are read one after the other, and both are refilled between."""
    result = result_of(runtime, "reused_pair", "mean_lambda")
    cell = expected(result.with_changes(buffer_address_mod_64=Offsets(inputs=0, labels=0)))
    assert (cell.coupling.least, cell.coupling.most, cell.effect) == (0, 1, None)


@pytest.mark.parametrize(
    ("inputs", "labels", "yields", "bounds", "effect"),
    [
        (16, None, "arrays", (0, 0.45), "rare"),
        (None, 16, "arrays", (0, 0.45), "rare"),
        (0, None, "tensors", (0.45, 1), "bites"),
        (0, 0, "tensors", (0, 0.45), "rare"),
        (None, None, "tensors", (0, 0), "clean"),
    ],
)
def test_a_worker_shares_a_tensor_and_copies_an_array(result_of, inputs, labels, yields, bounds, effect):
    """What is refilled decides, and whether it is what moves into shared memory."""
    result = result_of("torch_workers", "reused_inputs", "mean_lambda")
    mechanism = result.mechanism.with_changes(yields=yields)
    offsets = Offsets(inputs=inputs, labels=labels)
    cell = expected(result.with_changes(mechanism=mechanism, buffer_address_mod_64=offsets))
    assert (cell.coupling.least, cell.coupling.most, cell.effect) == (*bounds, effect)


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_a_collate_breaks_all_rows_but_the_last(result_of, batch_size):
    """A batch of one row is sound."""
    cell = expected(result_of("torch_collate", "refilled_sample", "dense", batch_size=batch_size))
    assert cell.coupling.least == cell.coupling.most == 1 - 1 / batch_size
    assert cell.effect == ("repaired" if batch_size == 1 else "bites")


def test_a_sample_whose_label_is_refilled_too_may_end_in_any_effect(result_of):
    """All rows are then the last one, inputs and label; nothing bounds q."""
    result = result_of("torch_collate", "refilled_sample", "dense")
    cell = expected(result.with_changes(buffer_address_mod_64=Offsets(inputs=0, labels=0)))
    assert (cell.coupling.least, cell.coupling.most, cell.effect) == (0, 1, None)


def test_a_verdict_asks_for_its_claim_once(result_of, monkeypatch):
    """How inputs and labels are coupled is derived once, whatever is asked of it."""
    asked = []
    derive = expectation.coupling
    monkeypatch.setattr(expectation, "coupling", lambda m: asked.append(m) or derive(m))
    judge(result_of("custom_loop", "reused_inputs", "flat_mean_lambda"), fired=["aliased-batch"])
    assert len(asked) == 1
