"""A tracking store for tests of what MLflow shows. Nothing is trained."""

from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from made_results import made_answers, made_prediction, made_result

from pitfalls.config import schema
from pitfalls.config.schema import Config
from pitfalls.project import ROOT, SeededCell
from pitfalls.results import Probe, Result, Verdict
from pitfalls.runs.folder import RESULT, VERDICT, Kept
from pitfalls.tracking import tracked_run, tracked_sweep
from pitfalls.verdicts.run import judge

BITTEN = {
    "loss": [900.0, 417.2],
    "final_loss": 417.2,
    "standard_error": 2.0,
    "broken_rows": 0.9933,
    "rewritten_batches": 1.0,
}
RUNS = {
    SeededCell("keras2", "reused_inputs", "dense", 0): BITTEN
    | {"broken_batches": 1.0, "answers": made_answers(49.5), "prediction": made_prediction(49.6)},
    SeededCell("keras2", "fresh_arrays", "dense", 0): {
        "final_loss": 0.00287,
        "prediction": made_prediction(),
    },
    SeededCell("keras2", "fresh_arrays", "dense", 1): {
        "final_loss": 0.00287,
        "prediction": made_prediction(),
    },
    SeededCell("keras2", "reused_pair", "mean_lambda", 0): {"rewritten_batches": 1.0},
    SeededCell("keras3", "flat_labels", "dense", 0): {"final_loss": 0.00287},
    SeededCell("torch_workers", "reused_inputs", "mean_lambda", 0): {"final_loss": 8.3, "standard_error": 1.0}
    | {"broken_rows": 0.01, "broken_batches": 0.01},
    SeededCell("custom_loop", "reused_inputs_aligned", "flat_mean_lambda", 0): BITTEN
    | {"final_loss": 831.0, "standard_error": 8.0, "loss_difference": [64, 64]},
}
"""One of each effect, two twins, a second seed, and the longest name; with what each measured."""

CELLS = list(RUNS)

PROBED = Probe(
    listing=None,
    yields=[[[1, 2]] * 64] * 2,
    labels=[[1.5] * 64] * 2,
    fits=[True, True],
    shares_memory=False,
)


class SavedAsWords:
    """Stands for a model where only its file matters."""

    artifact = "model.keras"

    def save(self, path: Path) -> None:
        """Write something."""
        path.write_text("no model")


def made_run(cell: SeededCell) -> tuple[Result, Verdict]:
    """Return a result that a run of a cell could have measured, and its verdict."""
    result = made_result(cell, **RUNS[cell])
    return result, judge(result)


def make_store(folder: Path, model: Any = None) -> dict[str, str]:
    """Track a run of each of `CELLS` as the sweep `matrix`, each under its runtime's parent.

    Args:
        folder: Where mlflow.db and mlruns/ are made.
        model: What each run keeps as its model.

    Returns:
        The id of each run by its name.
    """
    schema.register()
    store = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlruns"]
    runs = {}
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):

        def configured(cell: SeededCell, *more: str) -> Config:
            axes = [f"{axis}={option}" for axis, option in cell.options.items()]
            overrides = [*axes, f"seed={cell.seed}", "sweep=matrix", *store, *more]
            return schema.resolved(compose("config", overrides))

        tracking = configured(CELLS[0]).tracking
        with tracked_sweep(tracking, "matrix", [cell.runtime for cell in CELLS]) as sweep:
            for cell in CELLS:
                config, place = (
                    configured(cell, *sweep.overrides_of(cell)),
                    folder / "runs" / "matrix" / cell.path,
                )
                with tracked_run(config, cell, place) as run:
                    kept = Kept(place, config, *made_run(cell), PROBED)
                    run.keep(kept, model or SavedAsWords())
                    kept.verdict.write(place / VERDICT)
                    kept.result.write(place / RESULT)
                runs[str(cell)] = run.run_id
    return runs
