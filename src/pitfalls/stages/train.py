"""Train: one run from its configuration to its files: train, judge, track, write."""

import logging
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from pitfalls.config.fingerprint import fingerprint
from pitfalls.config.schema import Config, resolved
from pitfalls.lab.training import train
from pitfalls.project import ROOT, EpochHook, SeededCell
from pitfalls.report.progress import epoch_bar
from pitfalls.report.terminal import print_run
from pitfalls.results import Result, Verdict, is_finished
from pitfalls.startup import quick_imports
from pitfalls.verdicts.run import judge


def run(composed: DictConfig) -> None:
    """Train a run unless exactly it has finished before, and say what it measured.

    Args:
        composed: The run's configuration, as Hydra composed it.

    Raises:
        PitfallsError: The run cannot be trained or tracked, or its folder not be written.
    """
    hydra = HydraConfig.get()
    config, folder = resolved(composed), Path(hydra.runtime.output_dir)
    cell = cell_of(config, hydra.runtime.choices)
    config.fingerprint = config.fingerprint or fingerprint(config)  # before the training, not after it
    if hydra.mode == RunMode.MULTIRUN:
        train_and_write(config, cell, folder)
    elif not refuse_or_list(config, cell, folder):
        with epoch_bar(str(cell), config.training.epochs) as on_epoch_end:
            result, verdict = train_and_write(config, cell, folder, on_epoch_end)
        print_run(result, verdict, folder)


def cell_of(config: Config, choices: DictConfig | dict[str, str]) -> SeededCell:
    """Return the run that Hydra's choices of options and the seed name."""
    return SeededCell(choices["runtime"], choices["generator"], choices["model"], config.seed)


def train_and_write(
    config: Config, cell: SeededCell, folder: Path, on_epoch_end: EpochHook = lambda epoch, loss: None
) -> tuple[Result, Verdict]:
    """Train a run, judge it, track it, and write result.json and verdict.json.

    result.json is written last: where it stands, everything else does.

    Args:
        config: A checked configuration, with its fingerprint.
        cell: The run's place in the matrix.
        folder: Where its files go.
        on_epoch_end: Told the loss of each epoch.

    Returns:
        The contents of the two files.

    Raises:
        PitfallsError: The run cannot be tracked, or its folder not be written.
    """
    # Each run compiles a step of its own, which TensorFlow advises against from the fifth on, in eight lines.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with tracking_of(config, cell) as tracked:
        trained = train(config, cell, on_epoch_end)
        result = trained.result.with_changes(mlflow_run_id=tracked.run_id)
        verdict = judge(result)
        try:
            tracked.log(config, result, verdict, trained.probe, trained.model)
        finally:
            verdict.write(folder / "verdict.json")
            result.write(folder / "result.json")
    return result, verdict


class Untracked:
    """What stands for a tracked run under `tracking=off`."""

    run_id = None

    def log(self, *measured: Any) -> None:
        """Log nothing."""


def tracking_of(config: Config, cell: SeededCell) -> AbstractContextManager[Any]:
    """Return the context that tracks a run; MLflow, over a second of import, is left out where nothing is tracked."""
    if not config.tracking.enabled:
        return nullcontext(Untracked())
    with quick_imports():
        from pitfalls.tracking import tracked_run

    return tracked_run(config, cell)


def refuse_or_list(config: Config, cell: SeededCell, folder: Path) -> bool:
    """Tell whether a single run need not be trained: it has finished, or is only to be listed."""
    if not config.retrain and is_finished(folder, config.fingerprint):
        print(f"{cell} has finished before: {folder.relative_to(ROOT)}/result.json")
        print("Add retrain=true to train it again.")
        return True
    if config.dry_run:
        print(f"train     {folder.relative_to(ROOT)}")
    return config.dry_run
