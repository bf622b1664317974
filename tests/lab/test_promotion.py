"""The gate: who is refused, and in which words. Who passes is tried end to end."""

import pytest
from made_reports import committed_verdicts, with_a_failure, write

from pitfalls.errors import PromotionError
from pitfalls.project import SeededCell
from pitfalls.results import Fired
from pitfalls.stages.promote import promote

CHAMPION = {"runtime": "keras3", "generator": "fresh_arrays", "model": "dense", "seed": 0}


def refusal(folder, verdicts, **other) -> str:
    """Return how the gate refuses a champion."""
    write(folder / "reports" / "verdicts.json", verdicts)
    with pytest.raises(PromotionError) as refused:
        promote(folder, SeededCell(**(CHAMPION | other)))
    assert not (folder / "reports" / "champion.json").exists()
    return str(refused.value)


def test_nobody_is_promoted_while_a_claim_fails(tmp_path):
    """Even if it is another cell's: the first five are listed."""
    told = refusal(tmp_path, with_a_failure(committed_verdicts())).splitlines()
    assert told[0] == "nothing is promoted: 71 of 72 cells hold, 8 of 8 listings hold, 1 damaged."
    assert told[1].endswith("seed 0: the loss is <12.5>")
    assert told[-1] == "See reports/matrix.md. Fix the cause or the claim, then run `dvc repro`."


@pytest.mark.parametrize("other", [{"seed": 7}, {"generator": "nonsense"}])
def test_a_run_that_was_not_trained_is_refused(tmp_path, other):
    """A cell that is not there, or a seed of one that is."""
    told = refusal(tmp_path, committed_verdicts(), **other)
    name = " / ".join(str(part) for part in (CHAMPION | other).values())
    assert told == (
        f"the champion {name} was not trained.\nName a run of the matrix under `champion` in params.yaml."
    )


@pytest.mark.parametrize(
    ("other", "effect"),
    [
        ({"generator": "reused_inputs_aligned"}, "bites"),
        ({"generator": "reused_pair", "runtime": "keras2"}, "masked"),
        ({"generator": "flat_labels"}, "repaired"),
    ],
)
def test_a_cell_with_a_bug_is_refused_whatever_became_of_it(tmp_path, other, effect):
    """Though its claim holds, and its loss may be that of the clean one."""
    told = refusal(tmp_path, committed_verdicts(), **other)
    assert told == (
        f"the champion {' / '.join(list((CHAMPION | other).values())[:3])} is not clean: its effect is `{effect}`.\n"
        "Name a clean cell under `champion` in params.yaml. reports/matrix.md lists them."
    )


@pytest.mark.parametrize(
    ("guard", "says"),
    [
        (None, "did not look at"),
        (Fired(fired=["aliased-batch"], expected=["aliased-batch"]), "found aliased-batch in"),
    ],
)
def test_a_champion_that_the_guard_has_not_passed_is_refused(tmp_path, guard, says):
    """Though its claim holds and its cell is clean."""
    verdicts = committed_verdicts()
    cells = [entry.with_changes(guard=guard) for entry in verdicts.cells]
    assert refusal(tmp_path, verdicts.with_changes(cells=cells)) == (
        f"the guard {says} the champion keras3 / fresh_arrays / dense.\n"
        "Run python src/check.py and python src/verify.py, or name another champion in params.yaml."
    )


@pytest.mark.parametrize(("runtime", "framework"), [("jax_loop", "jax"), ("torch_loader", "torch")])
def test_a_champion_of_another_framework_is_refused(tmp_path, runtime, framework):
    """MLflow would register a file that nothing here serves."""
    assert refusal(tmp_path, committed_verdicts(), runtime=runtime) == (
        f"the champion {runtime} / fresh_arrays / dense / 0 was trained in {framework}, and its model is kept as arrays.\n"
        "Only a Keras model on TensorFlow is registered, since `make serve` loads no other. "
        "Name a run of keras3, keras2, keras3_workers or custom_loop under `champion` in params.yaml."
    )
