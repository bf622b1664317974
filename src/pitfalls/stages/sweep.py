"""Sweeps: many runs from one line, each in its folder, none trained twice.

Before anything is launched and before TensorFlow is imported, a sweep checks every
configuration, leaves out the cells that have finished, refuses two jobs with one target,
and opens the tracking. The launcher is whatever `hydra/launcher` names.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from pitfalls.config import refusals
from pitfalls.config.fingerprint import fingerprint
from pitfalls.config.frameworks import refuse_another_backend
from pitfalls.config.pairs import takes
from pitfalls.config.schema import Config, resolved
from pitfalls.errors import ConfigurationError, SweepError, messages_instead_of_tracebacks
from pitfalls.project import AXES, ROOT, SeededCell
from pitfalls.report.progress import SweepProgress
from pitfalls.report.terminal import print_sweep
from pitfalls.report.words import counted
from pitfalls.results import Verdict, finished, is_finished
from pitfalls.stages.train import cell_of
from pitfalls.startup import quick_imports
from pitfalls.verdicts.cells import Judged, entry


@dataclass(frozen=True)
class Job:
    """One run of a sweep: what Hydra is told, where it goes, and what it is."""

    overrides: list[str]
    folder: Path
    cell: SeededCell
    config: Config

    @property
    def is_finished(self) -> bool:
        """Whether exactly this run stands in its folder already."""
        return not self.config.retrain and is_finished(self.folder, self.config.fingerprint)


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
            jobs = [job for overrides in all_overrides if (job := self.job(overrides))]
            say_left_out(len(all_overrides) - len(jobs), jobs)
            refuse_shared_targets(jobs)
            return self.launch_unfinished(jobs)

    def job(self, overrides: list[str]) -> Job | None:
        """Compose and check one run, and find its folder; None if its runtime does not take its generator."""
        composed = self.compose(overrides)
        config = resolved(composed)
        if not takes(config):
            return None
        refusals.check(config)
        refusals.refuse_probe(config)
        refuse_another_backend(config.framework)
        config.fingerprint = fingerprint(config)
        cell = cell_of(config, composed.hydra.runtime.choices)
        subfolder = "/".join([cell.path, *further_folders(overrides, self.swept_keys)])
        own = [f"hydra.sweep.subdir='{subfolder}'", f"fingerprint='{config.fingerprint}'"]
        return Job([*overrides, *own], ROOT / "runs" / config.sweep / subfolder, cell, config)

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
        if not waiting:
            show(jobs)
            return []
        returned = self.launch_tracked(waiting)
        show(jobs)
        refuse_failures(waiting, returned)
        return [returned]

    def launch_tracked(self, waiting: list[Job]) -> Sequence[JobReturn]:
        """Launch some runs under their parents in the tracking.

        Raises:
            SweepError: The launcher stopped.
            TrackingError: The store cannot be opened.
        """
        with (
            tracking_of(waiting) as tracked,
            SweepProgress([(job.folder, job.config.fingerprint) for job in waiting]),
        ):
            overrides = [[*job.overrides, *more] for job, more in zip(waiting, tracked, strict=True)]
            try:
                return self.launch(overrides, 0)
            except Exception as error:
                raise SweepError(
                    f"the launcher stopped: {type(error).__name__}: {str(error).splitlines()[0]}\n"
                    "Finished runs are kept. Run the same command again: only the others will be trained."
                ) from error


def tracking_of(jobs: list[Job]) -> AbstractContextManager[list[list[str]]]:
    """Return the context that opens and closes the parents of some runs, and gives each run's overrides."""
    if not jobs[0].config.tracking.enabled:
        return nullcontext([[] for _ in jobs])
    with quick_imports():
        from pitfalls.tracking import tracked_sweep  # MLflow, which a finished sweep need not wait for

    return tracked_sweep([(job.config, job.cell) for job in jobs])


def refuse_failures(jobs: list[Job], returned: Sequence[JobReturn]) -> None:
    """Name each job that failed, and how to try again.

    Raises:
        SweepError: A job failed.
    """
    lines = [
        f"  {job.cell}: {error_of(result)}"
        for job, result in zip(jobs, returned, strict=True)
        if result.status != JobStatus.COMPLETED
    ]
    if lines:
        raise SweepError(
            "\n".join(
                [
                    f"{len(lines)} of {counted(len(jobs), 'run')} failed; the others are kept.",
                    *lines,
                    "Fix the cause and run the same command again. Only the failed runs will be trained.",
                ]
            )
        )


def error_of(result: JobReturn) -> str:
    """Return what a job raised, in one line; Hydra raises it again where its result is asked for."""
    try:
        return f"it returned {result.return_value}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


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


def say_left_out(count: int, jobs: list[Job]) -> None:
    """Print how many runs are left out as their runtime does not take their generator.

    Raises:
        ConfigurationError: No run is left.
    """
    if not jobs:
        raise ConfigurationError(
            f"no runtime of this sweep takes its generator: {counted(count, 'run')} left out, none to train.\n"
            "Train one of them alone: python src/train.py names the generators that its runtime takes."
        )
    if count:
        print(f"{counted(count, 'run')} left out: the runtime does not take the generator.", flush=True)


def refuse_shared_targets(jobs: list[Job]) -> None:
    """Refuse two jobs that would write to one folder.

    Raises:
        ConfigurationError: Names the folder and both jobs.
    """
    jobs_of: dict[Path, Job] = {}
    for job in jobs:
        if job.folder in jobs_of:
            raise ConfigurationError(
                f"two runs would write to the same folder, {job.folder.relative_to(ROOT)}:\n"
                f"  {' '.join(jobs_of[job.folder].overrides[:-2])}\n  {' '.join(job.overrides[:-2])}\n"
                "One would overwrite the other. Name each value once, or sweep them one after another "
                "under two names: sweep=first, sweep=second."
            )
        jobs_of[job.folder] = job


def further_folders(overrides: list[str], swept_keys: list[str]) -> list[str]:
    """Return a folder `@key=value` for each swept key that is not one of the four axes."""
    pairs = [override.split("=", 1) for override in overrides]
    return [
        f"@{key}={value.replace('/', '_')}"
        for key, value in pairs
        if key in swept_keys and key not in (*AXES, "seed")
    ]


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
    config = jobs[0].config
    print(f"Next\n  runs/{config.sweep}/   what each run measured (result.json) and had to (verdict.json)")
    if config.tracking.enabled:
        print("  make ui   curves, parameters and models, in a browser")


def list_jobs(jobs: list[Job], waiting: list[Job]) -> list[Any]:
    """Print what would be trained, and what would not."""
    for job in jobs:
        print(f"{'train' if job in waiting else 'finished':<9} {job.folder.relative_to(ROOT)}")
    print(f"{len(waiting)} of {counted(len(jobs), 'run')} would be trained; nothing was.")
    return []
