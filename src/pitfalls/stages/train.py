"""Train: one run from its configuration to its files: train, judge, write, track."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from pitfalls.config.fingerprint import fingerprint
from pitfalls.config.schema import Config, resolved
from pitfalls.errors import PitfallsError, RunError, TrackingError, one_line
from pitfalls.files import write_text
from pitfalls.lab.training import train
from pitfalls.project import ROOT, EpochHook, SeededCell
from pitfalls.report.progress import epoch_bar
from pitfalls.report.terminal import print_run
from pitfalls.results import Result, Verdict, is_finished
from pitfalls.runs.folder import ERROR, LOCK, RESULT, VERDICT, Kept, place_below_project
from pitfalls.runs.locks import is_held, lock, lock_if_free
from pitfalls.startup import quick_imports, stop_if_asked
from pitfalls.verdicts.run import judge


class Outcome(StrEnum):
    """What became of a run of a sweep in the process that was to train it."""

    TRAINED = "trained"
    FAILED = "failed"
    FOUND = "found finished"
    HELD = "held by another command"
    STOPPED = "stopped"


def run(composed: DictConfig) -> Outcome:
    """Train a run unless exactly it has finished before, and say what it measured.

    Args:
        composed: The run's configuration, as Hydra composed it.

    Returns:
        What became of it, for a sweep: there an error ends its own run alone.

    Raises:
        RunError: A run that is trained alone ended without a result.
        PitfallsError: The run cannot be trained or tracked, or its folder not be written.
    """
    hydra = HydraConfig.get()
    config, folder = resolved(composed), Path(hydra.runtime.output_dir)
    cell = cell_of(config, hydra.runtime.choices)
    config.fingerprint = config.fingerprint or fingerprint(config)  # before the training, not after it
    if hydra.mode == RunMode.MULTIRUN:
        return run_of_sweep(config, cell, folder)
    if not is_done_or_listed(config, cell, folder):
        run_alone(config, cell, folder)
    return Outcome.TRAINED


def run_of_sweep(config: Config, cell: SeededCell, folder: Path) -> Outcome:
    """Train a run of a sweep, unless another command trains it just now or has trained it since."""
    with lock_if_free(folder / LOCK) as is_mine:
        if not is_mine:
            return Outcome.HELD
        if not config.retrain and is_finished(folder, config.fingerprint):
            return Outcome.FOUND
        try:
            train_and_write(config, cell, folder)
        except PitfallsError:
            return Outcome.FAILED
    return Outcome.TRAINED


def run_alone(config: Config, cell: SeededCell, folder: Path) -> None:
    """Train one run, with a bar; where another command trains it just now, wait for its result."""
    if is_held(folder / LOCK):
        print(f"Another command trains {cell} just now; waiting for its result.", flush=True)
    with lock(folder / LOCK):
        if is_done_or_listed(config, cell, folder):
            return
        with epoch_bar(str(cell), config.training.epochs) as on_epoch_end:
            result, verdict = train_and_write(config, cell, folder, on_epoch_end)
        print_run(result, verdict, folder)


def cell_of(config: Config, choices: DictConfig | dict[str, str]) -> SeededCell:
    """Return the run that Hydra's choices of options and the seed name."""
    return SeededCell(choices["runtime"], choices["generator"], choices["model"], config.seed)


def train_and_write(
    config: Config, cell: SeededCell, folder: Path, on_epoch_end: EpochHook = lambda epoch, loss: None
) -> tuple[Result, Verdict]:
    """Train a run, judge it, write its files, and track it.

    result.json is written last: where it stands, everything else does. Only then it is logged.

    Args:
        config: A checked configuration, with its fingerprint.
        cell: The run's place in the matrix.
        folder: Where its files go.
        on_epoch_end: Told the loss of each epoch.

    Returns:
        What the run measured, and its verdict.

    Raises:
        RunError: The training ended without a result, by whatever error; error.txt says by which.
        TrackingError: The store cannot be opened, or what was written not be logged.
        ConfigurationError: The folder cannot be written to.
    """
    # Each run compiles a step of its own, which TensorFlow advises against from the fifth on, in eight lines.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    (folder / ERROR).unlink(missing_ok=True)
    with tracking_of(config, cell, folder) as tracked, errors_kept(folder, cell):
        stop_if_asked()
        trained = train(config, cell, on_epoch_end)
        kept = Kept(folder, config, trained.result, judge(trained.result), trained.probe)
        tracked.keep(kept, trained.model)
        kept.verdict.write(folder / VERDICT)
        kept.result.write(folder / RESULT)
    return kept.result, kept.verdict


@contextmanager
def errors_kept(folder: Path, cell: SeededCell) -> Iterator[None]:
    """Write the traceback of whatever ends a training into error.txt: an error, memory that ran out, an exit.

    Raises:
        RunError: Says in one line what it was, and where the traceback is.
        TrackingError: As it comes: the store's trouble is not the run's.
    """
    try:
        yield
    except (KeyboardInterrupt, TrackingError):
        raise
    except BaseException as error:
        write_text(folder / ERROR, f"{one_line(error)}\n\n{''.join(traceback.format_exception(error))}")
        raise RunError(
            f"{cell}: {f'{type(error).__name__}: {error}' if isinstance(error, PitfallsError) else one_line(error)}\n"
            f"The traceback is in {place_below_project(folder)}/{ERROR}. "
            "Fix the cause and run the same command again."
        ) from error


class Untracked:
    """What stands for a tracked run under `tracking=off`."""

    def keep(self, *kept: Any) -> None:
        """Keep nothing."""


def tracking_of(config: Config, cell: SeededCell, folder: Path) -> AbstractContextManager[Any]:
    """Return the context that tracks a run; MLflow, over a second of import, is left out where nothing is tracked."""
    if not config.tracking.enabled:
        return nullcontext(Untracked())
    with quick_imports():
        from pitfalls.tracking import tracked_alone, tracked_run

    return (tracked_run if config.tracking.launch else tracked_alone)(config, cell, folder)


def is_done_or_listed(config: Config, cell: SeededCell, folder: Path) -> bool:
    """Tell whether a single run need not be trained: it has finished, or is only to be listed."""
    if not config.retrain and is_finished(folder, config.fingerprint):
        print(f"{cell} has finished before: {folder.relative_to(ROOT)}/result.json")
        print("Add retrain=true to train it again.")
        return True
    if config.dry_run:
        print(f"train     {folder.relative_to(ROOT)}")
    return config.dry_run
