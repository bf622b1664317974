"""Slurm's queue: what became of jobs, asked of `squeue`.

submitit asks `sacct`, which needs a database of accounts that small clusters do not have. `squeue` knows an
ended job for some minutes (MinJobAge), and tells a cancelled one from one that ran out of time.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pitfalls.startup import stop_if_asked
from pitfalls.workers.endings import JobEnded, ending_on_slurm
from pitfalls.workers.waits import Wait

LOOK_SECONDS = 2.0

SHARED_FOLDER_SECONDS = 30.0
"""How long a folder that machines share may take to show what a job wrote."""

LOG_LINES = 40


class Standing(NamedTuple):
    """How a job stands in the queue.

    Attributes:
        state: As `squeue` has it: PENDING, RUNNING and so on; "" if Slurm does not know the job.
        wait_status: Its exit status, as `wait` has it.
        reason: Why it does not run, in Slurm's word: Resources, Priority and so on.
    """

    state: str = ""
    wait_status: int = 0
    reason: str = ""


States = Mapping[str, Standing]
"""How each job stands that Slurm knows."""

WILL_RUN, RUNS = ("PENDING", "REQUEUED"), ("RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED")
"""States of a job that has not begun, and of one that has."""


class Paths(Protocol):
    """Where a job writes."""

    @property
    def result_pickle(self) -> Path:
        """What it returned."""

    @property
    def stderr(self) -> Path:
        """What it printed."""


class SubmittedJob(Protocol):
    """A job as submitit has it."""

    @property
    def job_id(self) -> str:
        """Its name in the queue: ``12``, or ``12_3`` in an array."""

    @property
    def paths(self) -> Paths:
        """Where it writes."""

    def result(self) -> Any:
        """Return what it returned, or raise what it raised."""


def collect(jobs: Sequence[SubmittedJob]) -> list[Any]:
    """Wait until each job has returned or ended, and return what each did."""
    returned: dict[str, Any] = {}
    ended_at: dict[str, float] = {}
    wait = Wait()
    while waiting := [job for job in jobs if job.job_id not in returned]:
        states = ask_slurm(waiting)  # before the files: a job that ends in between has written its own
        for job in waiting:
            if is_there(job.paths.result_pickle):
                returned[job.job_id] = result_of(job)
            elif states is not None and (why := why_ended(job, states, ended_at)):
                returned[job.job_id] = why
        wait.is_for(why_none_runs(states))
        stop_if_asked()
        if len(returned) < len(jobs):
            time.sleep(LOOK_SECONDS)
    return [returned[job.job_id] for job in jobs]


def ask_slurm(jobs: Sequence[SubmittedJob]) -> States | None:
    """Return the states of jobs, None while Slurm does not answer."""
    arrays = ",".join(sorted({job.job_id.partition("_")[0] for job in jobs}))
    fields = "--Format=JobArrayID:64,State:32,exit_code:16,Reason:128"
    asked = subprocess.run(
        ["squeue", "--array", "--states=all", "--noheader", fields, f"--jobs={arrays}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode and "Invalid job id" not in asked.stderr:
        return None
    return read_states(asked.stdout)


def read_states(printed: str) -> States:
    """Return the states that `squeue` printed."""
    rows = [line.split(maxsplit=3) for line in printed.splitlines()]
    return {
        job_id: Standing(state, int(status), " ".join(reason).strip())
        for job_id, state, status, *reason in rows
    }


def why_none_runs(states: States | None) -> str:
    """Say what is waited for while none of some jobs runs, "" if one does."""
    if states is None:
        return "Slurm does not answer (squeue). Its jobs go on without it; waiting for them."
    found = list(states.values())
    waiting = [standing for standing in found if standing.state in WILL_RUN]
    if not waiting or any(standing.state in RUNS for standing in found):
        return ""
    reasons = sorted({standing.reason for standing in waiting} - {"", "None"})
    why = f": {', '.join(reasons)}" if reasons else ""
    return f"Slurm runs none of the {len(waiting)} remaining jobs yet{why}."


def why_ended(job: SubmittedJob, states: States, ended_at: dict[str, float]) -> JobEnded | None:
    """Return why a job has no result, None while it may get one or one may still come to be seen.

    Args:
        job: The job.
        states: What Slurm says of all.
        ended_at: When each job was first seen to have ended, in seconds; this job is added.
    """
    state, status, _ = states.get(job.job_id, Standing())
    why = ending_on_slurm(state, status, last_lines(job.paths.stderr))
    if why is None:
        return None
    since = time.monotonic() - ended_at.setdefault(job.job_id, time.monotonic())
    return why if state != "COMPLETED" or since > SHARED_FOLDER_SECONDS else None


def is_there(path: Path) -> bool:
    """Tell whether a file is there, in a folder that machines share: listing it asks the server."""
    return path.name in {entry.name for entry in path.parent.iterdir()}


def result_of(job: SubmittedJob) -> Any:
    """Return what a job returned, or the error that it ended with."""
    try:
        return job.result()
    except Exception as error:
        return JobEnded("its job raised an error outside of the training", str(error))


def last_lines(path: Path) -> str:
    """Return the end of a log, "" if there is none."""
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])
    except OSError:
        return ""
