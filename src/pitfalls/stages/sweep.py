"""Sweeps: many runs from one line, each in its folder, none trained twice.

Before anything is launched and before TensorFlow is imported, a sweep checks every
configuration, leaves out the cells that have finished, refuses two jobs with one target,
and opens the tracking. The launcher is whatever `hydra/launcher` names.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from pitfalls.config import refusals
from pitfalls.config.composing import Compositions
from pitfalls.config.fingerprint import fingerprint
from pitfalls.config.frameworks import refuse_another_backend, why_missing
from pitfalls.config.pairs import takes
from pitfalls.errors import (
    ConfigurationError,
    PitfallsError,
    SweepError,
    messages_instead_of_tracebacks,
    one_line,
)
from pitfalls.project import AXES, REPORTED, ROOT, SeededCell
from pitfalls.report.older import mark_older
from pitfalls.report.progress import SweepProgress
from pitfalls.report.terminal import print_sweep
from pitfalls.report.words import counted
from pitfalls.results import Verdict, finished
from pitfalls.runs import launches
from pitfalls.runs.folder import LOCK
from pitfalls.runs.locks import is_held, take_from_the_dead
from pitfalls.stages.jobs import (
    UNKNOWN,
    Ending,
    Job,
    ended_elsewhere,
    ending_of,
    further_folders,
    name_damaged,
    refuse_failures,
    refuse_shared_targets,
)
from pitfalls.stages.left_out import LeftOut, note_left_out, refuse_all_left_out
from pitfalls.stages.train import Outcome, cell_of
from pitfalls.startup import quick_imports, stop_if_asked
from pitfalls.verdicts.cells import Judged, entry

LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Sweep:
    """What a sweep needs of Hydra: how to compose one run, how to launch many, which keys vary."""

    compose: Callable[[list[str]], DictConfig]
    launch: Callable[..., Sequence[JobReturn]]
    swept_keys: list[str]

    def run(self, all_overrides: list[list[str]]) -> Any:
        """Check every run, launch those that have not finished, and say what became of them.

        Args:
            all_overrides: The overrides of each run.

        Raises:
            SystemExit: With a message if a configuration cannot be trained, or if a run failed.
        """
        with messages_instead_of_tracebacks():
            refusals.refuse_unwritable(ROOT / "runs")
            refuse_no_runs(all_overrides)
            compositions = Compositions(self.compose)
            found = [self.job(overrides, compositions) for overrides in all_overrides]
            jobs = [job for job in found if isinstance(job, Job)]
            left_out = [job for job in found if isinstance(job, LeftOut)]
            note_left_out(left_out, jobs)
            if not jobs and any(run.lacks_framework for run in left_out):
                return []
            refuse_all_left_out(left_out, jobs)
            refuse_shared_targets(jobs)
            return self.launch_unfinished(jobs)

    def job(self, overrides: list[str], compositions: Compositions) -> Job | LeftOut:
        """Compose and check one run, and find its folder, or say why it is left out."""
        composed = compositions.of(overrides)
        config, runtime = composed.config, composed.choices["runtime"]
        if config.not_installed == "leave_out" and (why := why_missing(config.framework)):
            return LeftOut(config, runtime, why, lacks_framework=True)
        if not takes(config):
            return LeftOut(config, runtime, "the runtime does not take the generator.")
        refusals.check(config)
        refusals.refuse_probe(config)
        refuse_another_backend(config.framework)
        config.fingerprint = fingerprint(config)
        cell = cell_of(config, composed.choices)
        further = [key for key in self.swept_keys if key not in (*AXES, "seed")]
        subfolder = "/".join([cell.path, *further_folders(overrides, further)])
        own = [f"hydra.sweep.subdir='{subfolder}'", f"fingerprint='{config.fingerprint}'"]
        return Job([*overrides, *own], ROOT / "runs" / config.sweep / subfolder, cell, config, further)

    def launch_unfinished(self, jobs: list[Job]) -> Any:
        """Launch what has not finished, and say what became of it.

        Raises:
            SweepError: A run failed, or the launcher itself.
        """
        waiting = [job for job in jobs if not job.is_finished]
        if jobs[0].config.dry_run:
            return list_jobs(jobs, waiting)
        print(
            f"{counted(len(jobs), 'run')}: {len(jobs) - len(waiting)} finished before, {len(waiting)} to train.",
            flush=True,
        )
        name_damaged(waiting)
        if waiting and jobs[0].config.sweep in REPORTED:
            mark_older(ROOT / "reports" / "index.html", jobs[0].config.sweep)
        lost = self.launch_tracked(waiting) if waiting else {}
        if not waiting:
            end_what_died(jobs)
        show(jobs)
        refuse_failures(len(waiting), lost)
        return []

    def launch_tracked(self, waiting: list[Job]) -> dict[Job, str]:
        """Launch some runs under their parents in the tracking, and return why some of them have no result.

        Raises:
            SweepError: The launcher stopped.
            TrackingError: The store does not answer.
        """
        with (
            tracking_of(waiting) as tracked,
            SweepProgress([(job.folder, job.config.fingerprint) for job in waiting]),
        ):
            return self.launch_until_done(waiting, tracked)

    def launch_until_done(self, waiting: list[Job], tracked: Any) -> dict[Job, str]:
        """Launch runs that nobody trains, and wait for those that another command trains."""
        lost: dict[Job, str] = {}
        held: set[Job] = set()
        while waiting:
            stop_if_asked()
            free = [job for job in waiting if not is_held(job.folder / LOCK)]
            endings = {job: ending for job in free if job in held and (ending := ended_elsewhere(job))}
            endings |= self.launch_once([job for job in free if job not in endings], tracked)
            for job, (outcome, why) in endings.items():
                if outcome in (Outcome.FAILED, Outcome.STOPPED):
                    lost[job] = why
                if outcome is Outcome.FAILED:
                    tracked.fail(job.config, job.cell, job.folder, why)
            waiting = [job for job in waiting if endings.get(job, UNKNOWN)[0] is Outcome.HELD]
            if waiting:
                say_once(f"Another command trains {counted(len(waiting), 'run')}; waiting for it.", not held)
                time.sleep(LOOK_AGAIN_SECONDS)
            held |= set(waiting)
        return lost

    def launch_once(self, jobs: list[Job], tracked: Any) -> dict[Job, Ending]:
        """Launch runs, framework by framework, and return how each ended.

        Raises:
            SweepError: The launcher stopped.
        """
        endings: dict[Job, Ending] = {}
        for framework in dict.fromkeys(job.config.framework for job in jobs):
            its_own = [job for job in jobs if job.config.framework == framework]
            overrides = [[*job.overrides, *tracked.overrides_of(job.cell)] for job in its_own]
            try:
                returned = self.launch(overrides, 0)
            except PitfallsError:
                raise
            except Exception as error:
                raise SweepError(
                    f"the launcher stopped: {one_line(error)}\n"
                    "Finished runs are kept. Run the same command again: only the others will be trained."
                ) from error
            endings |= {job: ending_of(job, one) for job, one in zip(its_own, returned, strict=True)}
        return endings


class UntrackedSweep:
    """What stands for a tracked sweep under `tracking=off`."""

    def overrides_of(self, cell: SeededCell) -> list[str]:
        """Add nothing to a run."""
        return []

    def fail(self, *failed: Any) -> None:
        """Say it to nobody."""


def tracking_of(jobs: list[Job]) -> AbstractContextManager[Any]:
    """Return the context that opens and closes the parents of some runs."""
    config = jobs[0].config
    if not config.tracking.enabled:
        return nullcontext(UntrackedSweep())
    with quick_imports():
        from pitfalls.tracking import tracked_sweep  # MLflow, which a finished sweep need not wait for

    return tracked_sweep(config.tracking, config.sweep, [job.cell.runtime for job in jobs])


def end_what_died(jobs: list[Job]) -> None:
    """End, for finished runs, what a launch left open that was killed between its last result and its own end.

    Raises:
        TrackingError: The store does not answer.
    """
    for job in jobs:
        take_from_the_dead(job.folder / LOCK)
    config = jobs[0].config
    if config.tracking.enabled and launches.dead(ROOT / "runs" / config.sweep, config.tracking.uri):
        with tracking_of(jobs):
            pass  # nothing is left to train: what is open ends as in a launch


def say_once(text: str, is_first: bool) -> None:
    """Print a text the first time."""
    if is_first:
        print(text, flush=True)


def refuse_no_runs(all_overrides: list[list[str]]) -> None:
    """Refuse a sweep of nothing.

    Raises:
        ConfigurationError: Says what spans runs.
    """
    if not all_overrides:
        raise ConfigurationError(
            "this sweep is empty: a glob(...) matched no option of its group.\n"
            "Name the values, for example seed=0,1,2. `python src/train.py --help` lists the options of each group."
        )


def show(jobs: list[Job]) -> None:
    """Print what the finished runs of a sweep measured, a row for each cell, and where to look next."""
    cells: dict[tuple[str, ...], list[Judged]] = {}
    for job in jobs:
        if result := finished(job.folder, job.config.fingerprint):
            place = tuple(part for part in job.folder.parts if part != f"seed-{job.cell.seed}")
            verdict = Verdict.read(job.folder / "verdict.json")
            cells.setdefault(place, []).append(Judged(result, verdict, job.folder))
    if not cells:
        return
    print_sweep([entry(runs) for runs in cells.values()])
    warned = Counter(text for runs in cells.values() for run in runs for text in run.result.warnings)
    for text, runs in warned.items():
        print(f"{counted(runs, 'run')} warned: {text}")
    config = jobs[0].config
    print(f"Next\n  runs/{config.sweep}/   what each run measured (result.json) and had to (verdict.json)")
    if config.tracking.enabled:
        print("  make ui   curves, parameters and models, in a browser")


def list_jobs(jobs: list[Job], waiting: list[Job]) -> list[Any]:
    """Print what would be trained, and what would not."""
    to_train = set(waiting)
    for job in jobs:
        print(f"{'train' if job in to_train else 'finished':<9} {job.folder.relative_to(ROOT)}")
    print(f"{len(waiting)} of {counted(len(jobs), 'run')} would be trained; nothing was.")
    return []
