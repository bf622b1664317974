"""Promotion: the gate that a champion passes, or that fails the pipeline.

What passes is registered in the local store, as a model that can be served.
"""

from pathlib import Path
from typing import Any

from pitfalls.errors import PromotionError
from pitfalls.report import tables
from pitfalls.results import read_json, read_result, write_json
from pitfalls.startup import quick_imports


def promote(project: Path, champion: dict[str, Any]) -> dict[str, Any]:
    """Register the champion and write champion.json, if nothing is held against it.

    Args:
        project: The folder of runs/ and reports/.
        champion: runtime, generator, model and seed of a run of the matrix.

    Returns:
        The content of champion.json.

    Raises:
        PromotionError: A claim failed, the champion's cell is missing, not clean or not passed
            by the guard, or the store holds no model of it.
        ResultError: verdicts.json, or the champion's own result, is missing or damaged.
        TrackingError: The store does not answer.
    """
    verdicts = read_json(project / "reports" / "verdicts.json")
    refuse_failed_claims(verdicts)
    entry = champion_entry(champion, verdicts)
    refuse_unsound(champion, entry)
    run = project.joinpath(
        "runs", "matrix", *map(str, cell_of(champion).values()), f"seed-{champion['seed']}"
    )
    result, verdict = read_result(run / "result.json"), read_json(run / "verdict.json")

    with quick_imports():
        from pitfalls.tracking import local_store, register_champion  # MLflow: a refusal need not wait for it

    model = register_champion(local_store(), result, verdict)
    content = {
        "champion": champion,
        "measured": entry["measured"],
        "model": model,
        "mlflow_run_id": result["mlflow_run_id"],
        "fingerprint": result["fingerprint"],
    }
    write_json(project / "reports" / "champion.json", content)
    return content


def cell_of(champion: dict[str, Any]) -> dict[str, str]:
    """Return the cell of a run, as verdicts.json names it."""
    return {axis: champion[axis] for axis in ("runtime", "generator", "model")}


def refuse_failed_claims(verdicts: dict[str, Any]) -> None:
    """Refuse any champion while a claim fails, whosever it is.

    Raises:
        PromotionError: Lists the claims.
    """
    failed = tables.failures(verdicts)
    if failed:
        raise PromotionError(
            "\n".join(
                [
                    f"nothing is promoted: {tables.summary(verdicts)}",
                    *(f"  {line}" for line in failed[:5]),
                    "See reports/matrix.md. Mend the cause, or the claim, then `dvc repro`.",
                ]
            )
        )


def champion_entry(champion: dict[str, Any], verdicts: dict[str, Any]) -> dict[str, Any]:
    """Return what verdicts.json says of the champion's cell.

    Raises:
        PromotionError: The cell, or its seed, was not trained.
    """
    cell = cell_of(champion)
    entry = next((one for one in verdicts["cells"] if one["cell"] == cell), None)
    if entry is None or champion["seed"] not in entry["seeds"]:
        raise PromotionError(
            f"the champion {' / '.join(cell.values())} / {champion['seed']} was not trained.\n"
            "Name a run of the matrix under `champion` in params.yaml."
        )
    return dict(entry)


def refuse_unsound(champion: dict[str, Any], entry: dict[str, Any]) -> None:
    """Refuse a champion that something is held against.

    Raises:
        PromotionError: Its cell has a bug, whatever became of it, or the guard has not passed it.
    """
    name = " / ".join(cell_of(champion).values())
    if entry["effect"] != "clean":
        raise PromotionError(
            f"the champion {name} is not clean: its bug {entry['effect']}.\n"
            "Name a clean cell under `champion` in params.yaml, see reports/matrix.md."
        )
    if entry["guard"] is None or entry["guard"]["fired"]:
        found = (
            "did not look at it" if entry["guard"] is None else f"says {', '.join(entry['guard']['fired'])}"
        )
        raise PromotionError(
            f"the champion {name} has not passed the guard, which {found}.\n"
            "Run python src/check.py and python src/verify.py, or name another champion in params.yaml."
        )
