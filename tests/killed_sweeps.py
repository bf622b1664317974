"""Sweeps that are killed at random moments and started again; what must hold of them afterwards."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import mlflow
import psutil

from pitfalls.project import ROOT

LINE = [
    "-m", "runtime=keras2", "generator=fresh_arrays,reused_inputs", "model=mean_lambda,flat_mean_lambda",
    "seed=0,1,2,3,4,5", "task.high=10", "task.batch_size=4", "training.epochs=1", "training.steps_per_epoch=300",
    "training.window_steps=100",
]  # fmt: skip
"""24 cells that are deterministic and short."""

CELLS = 24

OF_EACH = {"tensorflow": "keras2", "torch": "torch_loader", "jax": "jax_loop"}
"""A runtime of each framework."""

GONE_WITHIN_SECONDS = 5


class KilledSweep:
    """One sweep in a store of its own, to be started and killed."""

    def __init__(self, name: str, folder: Path, line: list[str] = LINE, server: str = "") -> None:
        """Take a name for the sweep, a folder for the store and what is printed, and a server in place of a store there."""
        self.runs, self.folder = ROOT / "runs" / name, folder
        self.store = server or f"sqlite:///{folder}/mlflow.db"
        place = ["tracking=server"] if server else [f"tracking.artifacts={folder}/mlruns"]
        self.words = [*line, f"sweep={name}", *place, f"tracking.uri={self.store}"]
        shutil.rmtree(self.runs, ignore_errors=True)

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the sweep in a group of its own."""
        printed = (self.folder / "printed.txt").open("ab")
        command = [sys.executable, "src/train.py", *self.words]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=printed, stderr=printed, start_new_session=True, preexec_fn=hear_ctrl_c
        )

    def finish(self) -> int:
        """Run the sweep to its end, and return its exit status."""
        return self.start().wait(timeout=400)

    def kill(self, rng: random.Random, whom: str, number: int, longest_seconds: float) -> float:
        """Start the sweep, kill a part of it at a random moment, and return how long the workers lived on.

        Args:
            rng: Says when, and which worker.
            whom: ``parent``, ``worker`` or ``group``.
            number: The signal.
            longest_seconds: When at the latest.
        """
        parent = self.start()
        time.sleep(rng.uniform(0.2, longest_seconds))
        family = psutil.Process(parent.pid).children(recursive=True) if parent.poll() is None else []
        workers = [process for process in family if is_worker(process)]
        if whom == "worker":
            for worker in rng.sample(workers, min(1, len(workers))):
                worker.send_signal(number)
            parent.wait(timeout=400)
        elif parent.poll() is None:
            (os.killpg if whom == "group" else os.kill)(parent.pid, number)
        since = time.monotonic()
        wait_until_gone(workers)
        lived = time.monotonic() - since
        parent.wait(timeout=60)
        wait_until_gone(family)
        return lived if whom != "worker" else 0.0

    def results(self) -> dict[str, dict]:
        """Return what does not depend on time of each result, by its place."""
        read = {path: json.loads(path.read_text()) for path in sorted(self.runs.rglob("result.json"))}
        changing = ("seconds", "origin", "mlflow_run_id")
        return {
            path.parent.relative_to(self.runs).as_posix(): {
                key: value for key, value in result.items() if key not in changing
            }
            for path, result in read.items()
        }

    def statuses(self) -> Counter[str]:
        """Count the runs of the store by status, parents left out."""
        return Counter(run.info.status for run in self.tracked() if "role" not in run.data.tags)

    def parents(self) -> Counter[str]:
        """Count the parents by status."""
        return Counter(run.info.status for run in self.tracked() if "role" in run.data.tags)

    def tracked(self) -> list:
        """Return every run of the store."""
        client = mlflow.MlflowClient(self.store)
        return client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=50_000)

    def left_behind(self) -> list[str]:
        """Return files that are there only while something is written or held."""
        passing = (".tmp", ".lock")
        paths = [*self.runs.rglob("*"), *(self.runs / ".launches").glob("*")]
        return sorted(
            {
                path.name
                for path in paths
                if path.is_file() and (path.name.endswith(passing) or "|" in path.name)
            }
        )


def wait_until_gone(processes: list[psutil.Process], patience_seconds: float = 60) -> bool:
    """Wait for processes that are nobody's children any more, and tell whether all have ended; a zombie has."""
    deadline = time.monotonic() + patience_seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def hear_ctrl_c() -> None:
    """Undo what a shell does to a command behind `&`, in case that started us."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_worker(process: psutil.Process) -> bool:
    """Tell whether a process trains: it is a child of the server of workers."""
    try:
        return "forkserver" in " ".join(process.cmdline()) and "forkserver" in " ".join(
            process.parent().cmdline()
        )
    except (psutil.Error, AttributeError):
        return False


SIGNALS = {"TERM": signal.SIGTERM, "KILL": signal.SIGKILL, "INT": signal.SIGINT}
