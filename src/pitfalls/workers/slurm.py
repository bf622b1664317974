"""Slurm: a job for each run, submitted by submitit as one array."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError

from pitfalls.errors import SweepError
from pitfalls.startup import stop_when_asked
from pitfalls.workers.nodes import environment_of_jobs
from pitfalls.workers.queue import collect


def run_on_slurm(
    job: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], folder: Path, options: Mapping[str, Any]
) -> list[Any]:
    """Call a function with each of some arguments, each in a job of Slurm.

    Args:
        job: The function; any that cloudpickle takes.
        arguments: Those of each call.
        folder: Where submitit keeps what it sends and what jobs print; all nodes share it. Removed if every job returned.
        options: What submitit's `update_parameters` takes: partition, time, mem, array_parallelism and so on.

    Returns:
        For each call what it returned, or `JobEnded` with the reason why it did not.

    Raises:
        SweepError: Slurm does not take the jobs; in its own words.
        KeyboardInterrupt: As it comes; the jobs are cancelled.
    """
    folder.mkdir(parents=True)
    shared = folder / "job.pickle"
    shared.write_bytes(cloudpickle.dumps(job))  # once: the compositions in it are larger than all the rest
    jobs = submit(partial(perform, shared), arguments, folder, options)
    try:
        returned = collect(jobs)
    except BaseException:
        subprocess.run(["scancel", *(submitted.job_id for submitted in jobs)], check=False)
        raise
    if not any(isinstance(result, BaseException) for result in returned):
        shutil.rmtree(folder, ignore_errors=True)
    return returned


def submit(
    call: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], folder: Path, options: Mapping[str, Any]
) -> list[Any]:
    """Hand jobs to Slurm, as one array, and return submitit's records of them.

    The batch script becomes the job's Python, so that Slurm's SIGTERM and the job's own exit status arrive.

    Raises:
        SweepError: Slurm refuses them.
    """
    executor = SlurmExecutor(folder, python=f"exec {shlex.quote(sys.executable)}")
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment_of_jobs().items()]
    executor.update_parameters(**options, setup=exports, use_srun=False)
    try:
        return list(executor.map_array(call, *zip(*arguments, strict=True)))
    except FailedJobError as error:
        raise SweepError(f"Slurm does not take the jobs: {str(error).strip()}") from error


def perform(shared: Path, *arguments: Any) -> Any:
    """Do one job on its node: cancelled or out of time, it ends as after Ctrl-C; submitit would ignore SIGTERM."""
    stop_when_asked()
    return cloudpickle.loads(shared.read_bytes())(*arguments)
