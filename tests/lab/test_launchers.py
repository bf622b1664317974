"""Launchers: what each can be told, and what is said of a job that ended without a result; no cluster is needed."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.utils import JobReturn, JobStatus
from running import run_stage

from hydra_plugins.pitfalls_clusters import RayLauncher, refuse_without
from pitfalls.config.launchers import LAUNCHERS
from pitfalls.errors import ConfigurationError
from pitfalls.project import ROOT
from pitfalls.stages.jobs import ending_of
from pitfalls.stages.train import Outcome
from pitfalls.workers import pool, queue, waits
from pitfalls.workers.endings import RAY_WORDS, JobEnded, ending_on_ray, ending_on_slurm
from pitfalls.workers.nodes import environment_of_jobs

SLURM_SAYS = {
    ("CANCELLED", 0): ("its job was cancelled, by scancel or by the cluster", True),
    ("TIMEOUT", 0): ("its job ran out of time: hydra.launcher.time_minutes=... gives it more", True),
    ("PREEMPTED", 0): ("its job had to give way to another one", True),
    ("DEADLINE", 0): ("its job missed its deadline", True),
    ("NODE_FAIL", 1): ("its node was lost", False),
    ("BOOT_FAIL", 1): ("its node did not start", False),
    ("OUT_OF_MEMORY", 0): ("its job ran out of memory: hydra.launcher.memory_gb=... gives it more", False),
    ("FAILED", 9): ("its process was ended by SIGKILL: killed by hand, or for want of memory", False),
    ("FAILED", 11): ("its process was ended by SIGSEGV", False),
    ("FAILED", 3 * 256): ("its process left with status 3", False),
    ("FAILED", 15): ("its process was ended by SIGTERM", True),
    ("COMPLETED", 0): (
        "its job ended without a result: are the project and runs/ in a folder that all nodes share?", False,
    ),
    ("", 0): ("Slurm does not know its job any more, and it left no result", False),
}  # fmt: skip
"""For each state and exit status what is said, and whether somebody asked for that end."""


@pytest.mark.parametrize(("state", "status"), SLURM_SAYS)
def test_each_end_on_slurm_has_its_words(state, status):
    """A cancelled job is told from one that ran out of time, a killed one from one that lost its node."""
    ended = ending_on_slurm(state, status, "the last line")
    assert (str(ended), ended.was_stopped) == SLURM_SAYS[state, status]
    assert ended.log == "the last line"


@pytest.mark.parametrize(
    "state", ["PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "REQUEUED"]
)
def test_a_job_that_may_still_get_a_result_is_waited_for(state):
    """Whatever its exit status is said to be."""
    assert ending_on_slurm(state, 0) is None


@pytest.mark.parametrize(("name", "why"), RAY_WORDS.items())
def test_each_error_of_ray_has_its_words(name, why):
    """By its class's name, or by that of a class above it."""
    above = type(name, (Exception,), {})
    for kind in (above, type("Newer", (above,), {})):
        ended = ending_on_ray(kind("the whole story"))
        assert isinstance(ended, JobEnded)
        assert (str(ended), ended.log) == (why, "the whole story")
        assert ended.was_stopped == (name == "TaskCancelledError")


def test_ray_s_errors_have_these_names():
    """Where Ray is installed."""
    exceptions = pytest.importorskip("ray.exceptions", reason="Ray is not installed: make setup-cluster")
    assert all(issubclass(getattr(exceptions, name), Exception) for name in RAY_WORDS)


def test_what_a_task_of_ray_raised_itself_stays_what_it_is():
    """An error of Ray around it only tells where; another error is not ours to name."""
    own = ValueError("no more data")
    around = RuntimeError("ray::perform() ...")
    around.cause = own
    assert ending_on_ray(around) is own
    assert ending_on_ray(own) is own


class Queue:
    """A `squeue` that prints what it is told to, and jobs that write when they are told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        script = folder / "bin" / "squeue"
        script.write_text(f"#!/bin/sh\ncat {folder}/err >&2\ncat {folder}/out\nexit $(cat {folder}/status)\n")
        script.chmod(0o755)
        self.says("")

    def says(self, out: str, err: str = "", status: int = 0) -> None:
        """Let `squeue` say this."""
        for name, text in (("out", out), ("err", err), ("status", str(status))):
            (self.folder / name).write_text(text)

    def job(self, job_id: str) -> SimpleNamespace:
        """Return a job of the queue."""
        paths = SimpleNamespace(
            result_pickle=self.folder / f"{job_id}.pkl", stderr=self.folder / f"{job_id}.err"
        )
        return SimpleNamespace(job_id=job_id, paths=paths, result=lambda: paths.result_pickle.read_text())


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Queue:
    """Give a queue that is asked without waiting."""
    made = Queue(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(queue, "LOOK_SECONDS", 0.0)
    return made


def test_jobs_return_in_their_order_what_they_wrote_or_why_they_did_not(slurm):
    """A result counts, whatever the queue says of its job."""
    jobs = [slurm.job(job_id) for job_id in ("7_0", "7_1", "7_2")]
    jobs[2].paths.result_pickle.write_text("trained")
    jobs[0].paths.stderr.write_text("".join(f"line {number}\n" for number in range(100)))
    slurm.says("7_0  CANCELLED  0\n7_1  FAILED  9\n7_2  FAILED  1\n")
    first, second, third = queue.collect(jobs)
    assert str(first) == "its job was cancelled, by scancel or by the cluster"
    assert first.log.splitlines() == [f"line {number}" for number in range(60, 100)]
    assert str(second).startswith("its process was ended by SIGKILL")
    assert third == "trained"


def test_a_result_may_come_to_be_seen_after_its_job_has_ended(slurm, monkeypatch):
    """A folder that machines share shows it late; after a while that is an error."""
    job = slurm.job("7")
    slurm.says("7 COMPLETED 0\n")
    looks = iter(range(3))

    def look(seconds: float) -> None:
        if next(looks) == 2:
            job.paths.result_pickle.write_text("trained")

    monkeypatch.setattr(queue.time, "sleep", look)
    assert queue.collect([job]) == ["trained"]
    job.paths.result_pickle.unlink()
    monkeypatch.setattr(queue, "SHARED_FOLDER_SECONDS", -1.0)
    assert str(queue.collect([job])[0]).startswith("its job ended without a result: are the project")


def test_a_slurm_that_does_not_answer_says_nothing_of_a_job(slurm, monkeypatch):
    """Its controller may be restarted; a job that it does not know any more is another matter."""
    job = slurm.job("7")
    slurm.says("", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)", 1)
    assert queue.ask_slurm([job]) is None
    slurm.says("", "slurm_load_jobs error: Invalid job id specified", 1)
    assert queue.ask_slurm([job]) == {}
    assert str(queue.collect([job])[0]) == "Slurm does not know its job any more, and it left no result"


def test_workers_that_share_something_else_begin_from_nothing(monkeypatch):
    """The one server of a process keeps what it first imported; another framework's workers must not have it."""
    monkeypatch.setattr(os, "environ", {})
    ways = [pool.context_with(preload) for preload in (["torch"], [], ["tensorflow", "mlflow"], ["torch"])]
    assert [way.get_start_method() for way in ways] == ["forkserver", "spawn", "spawn", "forkserver"]


def test_a_wait_is_said_once_if_it_lasts(slurm, monkeypatch, capsys):
    """Why no job runs, in Slurm's words; nothing while one does."""
    job = slurm.job("7_1")
    says = ["7_0 PENDING 0 Resources\n7_1 PENDING 0 (ReqNodeNotAvail, UnavailableNodes:n1)\n"] * 3
    says += ["7_0 RUNNING 0 None\n7_1 PENDING 0 Priority\n", "7_1 COMPLETED 0 None\n"]

    def look(seconds: float) -> None:
        slurm.says(says.pop(0))
        if not says:
            job.paths.result_pickle.write_text("trained")

    monkeypatch.setattr(queue.time, "sleep", look)
    monkeypatch.setattr(waits, "PATIENCE_SECONDS", 0.0)
    slurm.says(says[0])
    assert queue.collect([job]) == ["trained"]
    said = "Slurm runs none of the 2 remaining jobs yet: (ReqNodeNotAvail, UnavailableNodes:n1), Resources.\n"
    assert capsys.readouterr().out == said


def test_a_wait_that_is_short_is_not_said(capsys):
    """Ten seconds of the same reason."""
    wait = waits.Wait()
    wait.is_for("the queue is full")
    wait.is_for("the queue is full")
    assert capsys.readouterr().out == ""


def test_a_slurm_that_is_silent_is_said():
    """Its jobs go on."""
    assert queue.why_none_runs(None).startswith("Slurm does not answer (squeue).")


def test_an_error_outside_of_the_training_is_kept_whole(slurm):
    """For example of a node without the project."""

    def result() -> None:
        raise RuntimeError("ModuleNotFoundError: no pitfalls\nat line 1")

    job = slurm.job("7")
    job.paths.result_pickle.touch()
    job.result = result
    (ended,) = queue.collect([job])
    assert str(ended) == "its job raised an error outside of the training"
    assert ended.log == "ModuleNotFoundError: no pitfalls\nat line 1"


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (JobEnded("its job was cancelled", "the log", True), Outcome.STOPPED, "stopped: its job was cancelled\n\nthe log\n"),
        (JobEnded("its node was lost"), Outcome.FAILED, "its node was lost.\n"),
        (ValueError("no more data"), Outcome.FAILED, "no more data.\n"),
    ],
)  # fmt: skip
def test_error_txt_says_why_a_job_has_no_result(tmp_path, error, outcome, text):
    """Its first line is what the sweep says; what the job printed last stands below."""
    returned = JobReturn(status=JobStatus.FAILED)
    returned.return_value = error
    job = SimpleNamespace(folder=tmp_path, is_finished=False)
    assert ending_of(job, returned) == (outcome, text.splitlines()[0])
    assert (tmp_path / "error.txt").read_text() == text


def test_a_launcher_whose_library_is_missing_says_how_to_install_it():
    """The whole text."""
    with pytest.raises(ConfigurationError) as caught:
        refuse_without("nowhere_to_be_found", "slurm")
    assert str(caught.value) == (
        "hydra/launcher=slurm needs nowhere_to_be_found, which is not installed here.\n"
        "Run `make setup-cluster`, then the same command again. Or train here: hydra/launcher=local."
    )


def test_a_ray_of_its_own_is_never_started():
    """It would listen on every address of this machine."""
    pytest.importorskip("ray", reason="Ray is not installed: make setup-cluster")
    with pytest.raises(ConfigurationError, match=r"hydra\.launcher\.address=local names no cluster"):
        RayLauncher("local", 1).run(lambda: None, [])


def test_a_job_finds_the_project_and_the_environment_of_a_start(monkeypatch):
    """And behind it what this process finds."""
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = environment_of_jobs()
    assert environment["PYTHONPATH"] == f"{ROOT}/src:/elsewhere"
    assert environment["TF_ENABLE_ONEDNN_OPTS"] == "0"


@pytest.mark.parametrize(
    ("launcher", "key"), [("local", "workers"), ("slurm", "time_minutes"), ("ray", "cpus_per_job")]
)
def test_a_launcher_s_options_are_typed(launcher, key):
    """A misspelt one and an impossible value are refused before anything is trained."""
    for said, answer in ((f"{key}x=1", f"Key '{key}x' not in"), (f"{key}=many", "'many' of type 'str'")):
        told = run_stage("train", "-m", "seed=0", f"hydra/launcher={launcher}", f"hydra.launcher.{said}")
        assert told.returncode == 1
        assert answer in told.stderr


def test_the_help_names_every_option_of_every_launcher():
    """Below the launcher that takes it."""
    told = run_stage("train", "--help").stdout
    for name, launcher in LAUNCHERS.items():
        (line,) = re.findall(rf"^ +{name} +\w.*", told, re.M)
        options = {field.name for field in dataclasses.fields(launcher)} - {"_target_"}
        assert {re.sub(r"^\+|[.=].*", "", word) for word in line.split() if "=" in word} == options


def test_options_of_a_cluster_are_said_in_a_file_of_its_own(tmp_path):
    """As the page has it: a file that extends `slurm`, which params.yaml can name."""
    (page,) = (ROOT / "docs" / "how-to").glob("run-on-a-cluster.md")
    text = page.read_text().partition("```yaml conf/hydra/launcher/ours.yaml\n")[2].partition("```")[0]
    (tmp_path / "hydra" / "launcher").mkdir(parents=True)
    (tmp_path / "hydra" / "launcher" / "ours.yaml").write_text(text)
    line = ["--config-dir", str(tmp_path), "hydra/launcher=ours", "--cfg", "hydra", "-p", "hydra.launcher"]
    printed = subprocess.run(
        [sys.executable, "src/train.py", *line], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for told in ("SlurmLauncher", "partition: gpu", "time_minutes: 30", "jobs_at_once: 20", "account: mine"):
        assert told in printed
