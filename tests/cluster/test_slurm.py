"""Slurm, for real: 24 runs, of which some are cancelled, killed or lost with their node, until all are there."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from cluster.conftest import processes_with, wait_until
from cluster.small_matrix import train_by_dvc, trains_every_framework
from killed_sweeps import CELLS, LINE, KilledSweep

from pitfalls.errors import SweepError
from pitfalls.startup import QUIET_ENVIRONMENT
from pitfalls.workers.endings import JobEnded

pytestmark = pytest.mark.cluster

ON_SLURM = ["hydra/launcher=slurm", "hydra.launcher.partition=short", "hydra.launcher.time_minutes=5"]


def trained_by(job_id: str) -> list[psutil.Process]:
    """Return the processes of a job that runs."""
    array, _, task = job_id.partition("_")
    return processes_with(SLURM_ARRAY_JOB_ID=array, SLURM_ARRAY_TASK_ID=task)


def next_job_on(slurm, node: str) -> str:
    """Wait until a job begins on a node, and return it: it has its training before it."""
    before = set(slurm.at_work(node))
    wait_until(lambda: set(slurm.at_work(node)) - before, f"{node} trains")
    (job,) = set(slurm.at_work(node)) - before
    wait_until(lambda: trained_by(job), f"{job} has a process")
    return job


def test_a_sweep_that_is_stopped_and_loses_jobs_ends_with_every_result(slurm, reference, names, tmp_path):
    """Ctrl-C, then scancel, a kill and a lost node: each is said, and one command more gives what `local` gave."""
    sweep = KilledSweep(names("slurm"), tmp_path, [*LINE, *ON_SLURM])
    parent = sweep.start()
    wait_until(lambda: len(sweep.results()) >= 2, "two runs have finished")
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=60) == 130
    wait_until(lambda: not slurm.running(), "no job runs")
    before = len(sweep.results())
    assert set(sweep.statuses()) <= {"FINISHED", "KILLED"}

    parent = sweep.start()
    slurm.ask("scancel", next_job_on(slurm, "n1"))
    next_job_on(slurm, "n2")
    slurm.lose("n2")
    for process in trained_by(next_job_on(slurm, "n1")):
        process.kill()
    wait_until(lambda: slurm.nodes()["n2"].startswith("down"), "Slurm notices that n2 is lost")
    slurm.start_node("n2")
    assert parent.wait(timeout=200) == 1
    assert len(sweep.results()) == CELLS - 3
    printed = (tmp_path / "printed.txt").read_text()
    assert f"3 of {CELLS - before} runs failed; the others are kept." in printed
    whys = {
        "stopped: its job was cancelled, by scancel or by the cluster",
        "its process was ended by SIGKILL: killed by hand, or for want of memory.",
        "its node was lost.",
    }
    errors = list(sweep.runs.rglob("error.txt"))
    assert {error.read_text().splitlines()[0] for error in errors} == whys
    for why in whys:
        assert re.search(rf": {re.escape(why)}\n    python src/train.py runtime=keras2 ", printed), why
    assert sweep.statuses()["FAILED"] == 2

    assert sweep.finish() == 0
    assert sweep.results() == reference
    assert sweep.statuses()["FINISHED"] == CELLS
    assert sweep.parents() == {"FINISHED": 1}
    assert list(sweep.runs.rglob("error.txt")) == []
    assert sweep.left_behind() == []


TWO = [*(word for word in LINE if not word.startswith(("model=", "seed="))), "model=mean_lambda", "seed=0"]
"""Of the 24 runs two."""


def test_jobs_outlive_the_command_and_are_waited_for_by_the_next(slurm, names, tmp_path):
    """SIGKILL of the command: its jobs write their results, none is trained twice, and their parent ends well."""
    sweep = KilledSweep(names("killed"), tmp_path, [*TWO, *ON_SLURM])
    parent = sweep.start()
    wait_until(lambda: len(slurm.running()) == 2, "two jobs run")
    parent.kill()
    parent.wait()
    assert sweep.finish() == 0
    assert len(sweep.results()) == 2
    assert sweep.statuses() == {"FINISHED": 2}
    assert sweep.parents() == {"FINISHED": 1}


def run_here(folder: Path, job: Callable[..., object], arguments: list, **options) -> list:
    """Run jobs on Slurm, without a sweep."""
    from pitfalls.workers.slurm import run_on_slurm

    return run_on_slurm(job, arguments, folder, {"partition": "short", "time": 5} | options)


def test_the_environment_of_a_start_reaches_a_job(slurm, tmp_path, monkeypatch):
    """Also where a cluster hands on none, and the machine that submits has another."""
    monkeypatch.setenv("SBATCH_EXPORT", "NONE")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setenv("OF_THIS_MACHINE", "1")
    (found,) = run_here(tmp_path / "jobs", lambda _: dict(os.environ), [(0,)])
    assert QUIET_ENVIRONMENT.items() <= found.items()
    assert "OF_THIS_MACHINE" not in found


def test_no_more_jobs_run_at_once_than_are_allowed(slurm, tmp_path):
    """Of four on two nodes, one after another."""
    counts: list[int] = []
    over = threading.Event()

    def count() -> None:
        while not over.wait(0.3):
            counts.append(len(slurm.running()))

    counting = threading.Thread(target=count)
    counting.start()
    run_here(tmp_path / "jobs", time.sleep, [(1,)] * 4, array_parallelism=1)
    over.set()
    counting.join()
    assert max(counts) == 1


def test_a_job_that_takes_too_long_is_told_from_a_cancelled_one(slurm, tmp_path):
    """Its time is cut, as the shortest that can be asked for is a minute; Slurm looks every half minute."""

    def cut() -> None:
        wait_until(slurm.running, "the job runs")
        (job,) = slurm.running()
        slurm.ask("scontrol", "update", f"JobId={job}", "EndTime=now+1")

    cutting = threading.Thread(target=cut)
    cutting.start()
    (ended,) = run_here(tmp_path / "jobs", time.sleep, [(300,)])
    cutting.join()
    assert isinstance(ended, JobEnded) and ended.was_stopped
    assert str(ended) == "its job ran out of time: hydra.launcher.time_minutes=... gives it more"
    assert "DUE TO TIME LIMIT" in ended.log


def test_what_slurm_refuses_is_said_in_its_words(slurm, tmp_path):
    """A partition that does not exist."""
    with pytest.raises(SweepError, match="invalid partition"):
        run_here(tmp_path / "jobs", time.sleep, [(1,), (1,)], partition="long")


def test_every_framework_measures_there_what_it_does_here(
    slurm, line_of_frameworks, frameworks_here, names, tmp_path
):
    """Sound cells of each: the same numbers, since each job has the environment of a start."""
    trains_every_framework(
        KilledSweep(names("slurm-all"), tmp_path, [*line_of_frameworks, *ON_SLURM]), frameworks_here
    )


def test_the_pipeline_trains_where_params_yaml_says(slurm, tmp_path):
    """`launcher: slurm`, and no other word."""
    assert train_by_dvc(tmp_path, "slurm") == 2
