"""Promote: the gate before the model registry; a champion that does not pass fails the pipeline.

A champion that passes is registered in the store that has its run, as a model that can be served.
"""

from pathlib import Path
from typing import Any

from pitfalls.config.frameworks import keras_on
from pitfalls.errors import PromotionError
from pitfalls.files import write_json
from pitfalls.project import SeededCell, option
from pitfalls.report import words
from pitfalls.results import Result, Verdict
from pitfalls.runs.folder import tracked_as
from pitfalls.startup import quick_imports
from pitfalls.verdicts import records
from pitfalls.verdicts.records import CellVerdict, Verdicts

SERVED = "tensorflow"
"""The framework whose models are registered and served."""


def promote(project: Path, champion: SeededCell) -> str:
    """Register the champion and write champion.json, if every check passes.

    Args:
        project: The folder of runs/ and reports/.
        champion: A run of the matrix.

    Returns:
        The address of its model, e.g. ``models:/mean-of-two/1``.

    Raises:
        PromotionError: A claim failed, the champion's cell is missing, not clean or not passed
            by the guard, or the store holds no model of it.
        ResultError: verdicts.json, or the champion's own result, is missing or damaged.
        TrackingError: The store does not answer.
    """
    verdicts = Verdicts.read(project / "reports" / records.PLACE)
    refuse_failed_claims(verdicts)
    refuse_another_framework(champion)
    entry = champion_entry(champion, verdicts)
    refuse_unsound(entry)
    folder = project / "runs" / "matrix" / champion.path
    result, verdict = Result.read(folder / "result.json"), Verdict.read(folder / "verdict.json")
    with keras_on(result.framework):
        with quick_imports():
            from pitfalls.tracking import register_champion  # MLflow: a refusal need not wait

        tracked = tracked_as(folder)
        store = tracked.store if tracked else None
        run_id = tracked.mlflow_run_id if tracked else None
        model = register_champion(store, run_id, result, verdict, load_model)
    content = {
        "champion": {**champion.options, "seed": champion.seed},
        "measured": entry.measured,
        "model": model,
        "mlflow_run_id": run_id,
        "fingerprint": result.fingerprint,
    }
    write_json(project / "reports" / "champion.json", content)
    return model


def load_model(path: str) -> Any:
    """Return a model that a run kept; TensorFlow, which a refusal and a second promotion need not wait for."""
    with quick_imports():
        from pitfalls.lab.keras.models import load

    return load(path)


def refuse_failed_claims(verdicts: Verdicts) -> None:
    """Refuse any champion while a claim fails, even if it is another cell's.

    Raises:
        PromotionError: Lists the claims.
    """
    failed = words.failures(verdicts)
    if failed:
        raise PromotionError(
            "\n".join(
                [
                    f"nothing is promoted: {words.summary(verdicts)}",
                    *(f"  {line}" for line in failed[:5]),
                    "See reports/matrix.md. Fix the cause or the claim, then run `dvc repro`.",
                ]
            )
        )


def refuse_another_framework(champion: SeededCell) -> None:
    """Refuse a champion whose model MLflow would neither load nor serve.

    Raises:
        PromotionError: It was not trained in TensorFlow.
    """
    framework = option("runtime", champion.runtime).get("framework", SERVED)
    if framework != SERVED:
        raise PromotionError(
            f"the champion {champion} was trained in {framework}, and its model is kept as arrays.\n"
            "Only a Keras model on TensorFlow is registered, since `make serve` loads no other. "
            "Name a run of keras3, keras2, keras3_workers or custom_loop under `champion` in params.yaml."
        )


def champion_entry(champion: SeededCell, verdicts: Verdicts) -> CellVerdict:
    """Return what verdicts.json says of the champion's cell.

    Raises:
        PromotionError: The cell, or its seed, was not trained.
    """
    entry = next((entry for entry in verdicts.cells if entry.cell == champion.cell), None)
    if entry is None or champion.seed not in entry.seeds:
        raise PromotionError(
            f"the champion {champion} was not trained.\n"
            "Name a run of the matrix under `champion` in params.yaml."
        )
    return entry


def refuse_unsound(entry: CellVerdict) -> None:
    """Refuse a champion that has a bug, or that the guard has not passed.

    Raises:
        PromotionError: Its cell has a bug, whatever became of it, or the guard has not passed it.
    """
    if entry.effect != "clean":
        raise PromotionError(
            f"the champion {entry.cell} is not clean: its effect is `{entry.effect}`.\n"
            "Name a clean cell under `champion` in params.yaml. reports/matrix.md lists them."
        )
    if entry.guard is None or entry.guard.fired:
        found = f"found {', '.join(entry.guard.fired)} in" if entry.guard else "did not look at"
        raise PromotionError(
            f"the guard {found} the champion {entry.cell}.\n"
            "Run python src/check.py and python src/verify.py, or name another champion in params.yaml."
        )
