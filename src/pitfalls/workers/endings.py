"""Endings: why a job of a launcher has no result, in words that stand in the run's error.txt."""

import os
import signal


class JobEnded(Exception):
    """A job ended without a result, by something outside of it.

    Attributes:
        was_stopped: Whether it was asked to end: then nothing is wrong with the job.
        is_noted: Whether its folder says why; a worker that was stopped here, at the same keyboard, needs no note.
        log: What the job printed last, if that is known.
    """

    is_noted = True

    def __init__(self, why: str, log: str = "", was_stopped: bool = False) -> None:
        """Say why, in one line without a full stop."""
        self.log, self.was_stopped = log, was_stopped
        super().__init__(why)


class WorkerDied(JobEnded):
    """The process of a job ended in the middle of it."""

    def __init__(self, status: int, log: str = "") -> None:
        """Say how it ended: with a status, or by a signal, as -status."""
        if status < 0:
            ended = f"was ended by {signal.Signals(-status).name}"
        else:
            ended = f"left with status {status}" if status else "ended without an error"
        hint = ": killed by hand, or for want of memory" if status == -signal.SIGKILL else ""
        super().__init__(f"its process {ended}{hint}", log, -status in (signal.SIGTERM, signal.SIGINT))
        self.is_noted = not self.was_stopped


SLURM_WORDS = {
    "BOOT_FAIL": "its node did not start",
    "CANCELLED": "its job was cancelled, by scancel or by the cluster",
    "COMPLETED": "its job ended without a result: are the project and runs/ in a folder that all nodes share?",
    "DEADLINE": "its job missed its deadline",
    "NODE_FAIL": "its node was lost",
    "OUT_OF_MEMORY": "its job ran out of memory: hydra.launcher.memory_gb=... gives it more",
    "PREEMPTED": "its job had to give way to another one",
    "TIMEOUT": "its job ran out of time: hydra.launcher.time_minutes=... gives it more",
}
"""What each state of Slurm in which a job has ended says of it; of FAILED the exit status says more."""

STOPPED_ON_SLURM = {"CANCELLED", "DEADLINE", "PREEMPTED", "TIMEOUT"}
"""In these Slurm sends SIGTERM, and the job ends as after Ctrl-C."""

UNKNOWN_TO_SLURM = "Slurm does not know its job any more, and it left no result"


def ending_on_slurm(state: str, wait_status: int, log: str = "") -> JobEnded | None:
    """Return why a job of Slurm has no result, None while it may still get one.

    Args:
        state: The job's state as `squeue` has it, "" if Slurm does not know the job.
        wait_status: Its `exit_code` there, as `wait` has it: a signal is 9, an exit 1792 = 7 * 256.
        log: What it printed last.
    """
    if not state:
        return JobEnded(UNKNOWN_TO_SLURM, log)
    if state == "FAILED":
        return WorkerDied(os.waitstatus_to_exitcode(wait_status), log)
    return JobEnded(SLURM_WORDS[state], log, state in STOPPED_ON_SLURM) if state in SLURM_WORDS else None


RAY_WORDS = {
    "TaskCancelledError": "its task was cancelled",
    "NodeDiedError": "its node was lost",
    "LocalRayletDiedError": "its node was lost",
    "ObjectLostError": "its node was lost, with what it had to return",
    "OutOfMemoryError": "its node ran out of memory: hydra.launcher.cpus_per_job=2 lets fewer runs share it",
    "WorkerCrashedError": "its process was ended: killed by hand, for want of memory, or by a crash",
    "RuntimeEnvSetupError": "its process could not be started on its node",
    "TaskUnschedulableError": "no node has the processors that hydra.launcher.cpus_per_job asks for",
}
"""What each error of Ray, by its class's name, says of a task."""


def ending_on_ray(error: BaseException) -> BaseException:
    """Return why a task of Ray has no result; an error of the task itself stays what it is."""
    if cause := getattr(error, "cause", None):  # a RayTaskError, whose own text is the whole traceback
        return cause if isinstance(cause, BaseException) else error
    names = [kind.__name__ for kind in type(error).__mro__]
    name = next((name for name in names if name in RAY_WORDS), None)
    return JobEnded(RAY_WORDS[name], str(error), name == "TaskCancelledError") if name else error
