"""Promotion: the gate that a champion passes, or that fails the pipeline."""

from pathlib import Path
from typing import Any

from pitfalls import tables
from pitfalls.errors import PitfallsError
from pitfalls.results import read_json, write_json


class PromotionError(PitfallsError, RuntimeError):
    """The champion cannot be put forward."""


def promote(reports: Path, champion: dict[str, Any]) -> None:
    """Write champion.json if every claim holds, and the champion's own cell is clean and passed the guard.

    Args:
        reports: The folder of verdicts.json.
        champion: runtime, generator, model and seed of the run.

    Raises:
        PromotionError: A claim failed, or the champion's cell is missing, not clean, or not passed by the guard.
        ResultError: verdicts.json is missing or damaged.
    """
    verdicts = read_json(reports / "verdicts.json")
    cell = {axis: champion[axis] for axis in ("runtime", "generator", "model")}
    name = " / ".join(cell.values())
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
    entry = next((one for one in verdicts["cells"] if one["cell"] == cell), None)
    if entry is None or champion["seed"] not in entry["seeds"]:
        raise PromotionError(
            f"the champion {name} / {champion['seed']} was not trained.\n"
            "Name a run of the matrix under `champion` in params.yaml."
        )
    if entry["effect"] != "clean":
        raise PromotionError(
            f"the champion {name} is not clean: its bug {entry['effect']}.\n"
            "Name a clean cell under `champion` in params.yaml, see reports/matrix.md."
        )
    if entry["guard"] is None or entry["guard"]["fired"]:
        found = "did not look at it" if entry["guard"] is None else ", ".join(entry["guard"]["fired"])
        raise PromotionError(
            f"the champion {name} has not passed the guard: {found}.\n"
            "Run python src/check.py and python src/verify.py, or name another champion in params.yaml."
        )
    write_json(reports / "champion.json", {"champion": champion, "measured": entry["measured"]})
