"""Runs that a sweep leaves out: their runtime does not take their generator, or their framework is not installed."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pitfalls.config.schema import Config
from pitfalls.errors import ConfigurationError
from pitfalls.files import write_text
from pitfalls.project import ROOT
from pitfalls.report.words import counted
from pitfalls.runs.folder import NOT_RUN
from pitfalls.stages.jobs import Job


@dataclass(frozen=True)
class LeftOut:
    """A run that is left out: what it was told, its runtime, why, and whether its framework is not installed."""

    config: Config
    runtime: str
    why: str
    lacks_framework: bool = False

    @property
    def runtime_folder(self) -> Path:
        """The folder of its sweep's runs under its runtime."""
        return ROOT / "runs" / self.config.sweep / self.runtime


def note_left_out(left_out: list[LeftOut], jobs: list[Job]) -> None:
    """Print how many runs are left out and why, and keep in each runtime's folder whether its framework is missing."""
    for why, count in Counter(run.why for run in left_out).items():
        print(f"{counted(count, 'run')} left out: {why}", flush=True)
    lacking = [run for run in left_out if run.lacks_framework and not run.config.dry_run]
    for folder, why in {run.runtime_folder: run.why for run in lacking}.items():
        write_text(folder / NOT_RUN, f"{why}\n")
    for folder in {job.runtime_folder for job in jobs if not job.config.dry_run}:
        (folder / NOT_RUN).unlink(missing_ok=True)


def refuse_all_left_out(left_out: list[LeftOut], jobs: list[Job]) -> None:
    """Refuse a sweep of which nothing is left.

    Raises:
        ConfigurationError: No runtime of it takes its generator.
    """
    if not jobs:
        raise ConfigurationError(
            f"no runtime of this sweep takes its generator: {counted(len(left_out), 'run')} left out, none to train.\n"
            "Train one of them alone: python src/train.py names the generators that its runtime takes."
        )
