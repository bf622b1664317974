"""Jobs: the runs of a sweep, where each goes, and how each ended."""

import contextlib
import io
import shlex
from dataclasses import dataclass
from pathlib import Path

from hydra.core.utils import JobReturn

from pitfalls.config.schema import Config
from pitfalls.errors import ConfigurationError, ResultError, SweepError
from pitfalls.files import write_text
from pitfalls.project import ROOT, SeededCell
from pitfalls.report.words import counted
from pitfalls.results import Result, is_finished
from pitfalls.runs.folder import ERROR, RESULT, why_failed
from pitfalls.stages.train import Outcome

Ending = tuple[Outcome, str]
"""How a run ended in a launch, and if it failed why, in one line."""

UNKNOWN: Ending = (Outcome.HELD, "")
"""How a run ended that another command has."""

OWN_KEYS = ("hydra.sweep.subdir=", "fingerprint=")
"""What a sweep itself tells a run."""


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a sweep: what Hydra is told, where it goes, and what it is."""

    overrides: list[str]
    folder: Path
    cell: SeededCell
    config: Config
    further_keys: list[str]

    @property
    def runtime_folder(self) -> Path:
        """The folder of its sweep's runs under its runtime."""
        return ROOT / "runs" / self.config.sweep / self.cell.runtime

    @property
    def is_finished(self) -> bool:
        """Whether exactly this run stands in its folder already."""
        return not self.config.retrain and is_finished(self.folder, self.config.fingerprint)

    def __str__(self) -> str:
        """Name the run as people read it, with what is swept besides the axes."""
        further = [part for part in self.folder.parts if part.startswith("@")]
        return " ".join([str(self.cell), *further])

    @property
    def command(self) -> str:
        """The command that trains this run alone, into the same folder."""
        pairs = [override.split("=", 1) for override in self.overrides if not override.startswith(OWN_KEYS)]
        words = [
            f"{key}=choice({value})" if key in self.further_keys else f"{key}={value}" for key, value in pairs
        ]
        return shlex.join(["python", "src/train.py", *(["-m"] if self.further_keys else []), *words])


def ending_of(job: Job, returned: JobReturn) -> Ending:
    """Return how a run ended: what it says itself, or that its process died before it could."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # Hydra says that a job failed, not which
            outcome = Outcome(returned.return_value)  # raises what the job raised
    except BaseException as error:
        if job.is_finished:
            return Outcome.TRAINED, ""  # its process died on the next one
        if getattr(error, "was_stopped", False):
            return Outcome.STOPPED, f"stopped: {error}"
        write_text(job.folder / ERROR, f"{error}.\n")
        return Outcome.FAILED, f"{error}."
    return outcome, why_failed(job.folder) if outcome is Outcome.FAILED else ""


def ended_elsewhere(job: Job) -> Ending | None:
    """Return how a run ended that another command had, None if nobody has finished it."""
    if job.is_finished:
        return Outcome.FOUND, ""
    why = why_failed(job.folder)
    return (Outcome.FAILED, why) if why else None


def name_damaged(jobs: list[Job]) -> None:
    """Name each result that cannot be read, and so is trained again."""
    for job in jobs:
        if (job.folder / RESULT).exists():
            try:
                Result.read(job.folder / RESULT)
            except ResultError as error:
                print(f"{str(error).splitlines()[0]} The run is trained again.", flush=True)


def refuse_failures(launched: int, lost: dict[Job, str]) -> None:
    """Name each run without a result, and how to try it alone.

    Raises:
        SweepError: There is one.
    """
    if lost:
        raise SweepError(
            "\n".join(
                [
                    f"{len(lost)} of {counted(launched, 'run')} failed; the others are kept.",
                    *(f"  {job}: {why}\n    {job.command}" for job, why in lost.items()),
                    f"The tracebacks are in {ERROR} of each run's folder below "
                    f"runs/{next(iter(lost)).config.sweep}/.",
                    "Fix the cause, and run one alone as above or the same command again. "
                    "Only the failed runs will be trained.",
                ]
            )
        )


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


def further_folders(overrides: list[str], further_keys: list[str]) -> list[str]:
    """Return a folder `@key=value` for each swept key that is not one of the four axes."""
    pairs = [override.split("=", 1) for override in overrides]
    return [f"@{key}={value.replace('/', '_')}" for key, value in pairs if key in further_keys]
