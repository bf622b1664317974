"""A tracking store for tests of what MLflow shows, made from the verdicts that git holds. Nothing is trained."""

from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from made_reports import ROOT, committed_verdicts, result

from pitfalls.config import schema as config
from pitfalls.config.schema import Cell
from pitfalls.stages import sweep as sweeping
from pitfalls.tracking import tracked_run, tracked_sweep

CELLS = [
    Cell("keras2", "reused_inputs", "dense", 0),
    Cell("keras2", "fresh_arrays", "dense", 0),
    Cell("keras2", "fresh_arrays", "dense", 1),
    Cell("keras2", "reused_pair", "mean_lambda", 0),
    Cell("keras3", "flat_labels", "dense", 0),
    Cell("custom_loop", "reused_inputs_aligned", "flat_mean_lambda", 0),
]
"""One of each effect, two twins, a second seed, and the longest name."""

PROBED = {"yields": [[[1, 2]] * 64] * 2, "labels": [[1.5] * 64] * 2}


class SavedAsWords:
    """Stands for a Keras model where only its file matters."""

    def save(self, path: Path) -> None:
        """Write something."""
        path.write_text("no model")


def made_result(cell: Cell) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a result that a run of a cell could have measured, and its verdict."""
    axes = {"runtime": cell.runtime, "generator": cell.generator, "model": cell.model}
    entry = next(one for one in committed_verdicts()["cells"] if one["cell"] == axes)
    measured = result(axes | {"seed": cell.seed}, entry) | {
        "broken_batches": entry["broken_rows"],
        "rewritten_batches": None,
        "answers": {"inputs": [[0.0, 99.0], [99.0, 99.0]], "values": [49.5, 99.0]},
    }
    return measured, {key: entry.get(key) for key in ("claim", "effect", "verdict", "reasons", "guard")}


def make_store(folder: Path, model: Any = None) -> dict[str, str]:
    """Track a run of each of `CELLS` as the sweep `matrix`, each under its runtime's parent.

    Args:
        folder: Where mlflow.db and mlruns/ are made.
        model: What each run keeps as its model.

    Returns:
        The id of each run by its name.
    """
    config.register()
    sweeping.register()
    store = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlruns"]
    runs = {}
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):

        def configured(cell: Cell, *more: str) -> Any:
            axes = [f"runtime={cell.runtime}", f"generator={cell.generator}", f"model={cell.model}"]
            return compose("config", [*axes, f"seed={cell.seed}", "sweep=matrix", *store, *more])

        with tracked_sweep([(configured(cell), cell) for cell in CELLS]) as overrides:
            for cell, more in zip(CELLS, overrides, strict=True):
                with tracked_run(configured(cell, *more), cell) as run:
                    run.log(*made_result(cell), PROBED, model or SavedAsWords())
                    runs[str(cell)] = run.run_id
    return runs
