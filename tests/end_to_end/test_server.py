"""A tracking server as it is used: written to, killed and started again; SQLite behind it, and one worker."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from killed_sweeps import KilledSweep
from made_server import HOST, Server, free_port, wait_for
from stores import contents_of

from pitfalls.project import ROOT

TINY = [
    "runtime=keras2", "generator=fresh_arrays", "training.epochs=1", "training.steps_per_epoch=20",
    "training.window_steps=20", "training.steps_per_execution=20",
]  # fmt: skip

AXES = {"runtime": "keras3", "generator": "fresh_arrays", "model": "dense", "seed": "0"}

NOTHING_FOUND = {"status": "clean", "rules": [], "findings": [], "not_checked": []}
CLEAN = {
    "schema": 1,
    "generators": [{"generator": "fresh_arrays", **NOTHING_FOUND}],
    "models": [{"runtime": "keras3", "generator": "fresh_arrays", "model": "dense", **NOTHING_FOUND}],
}

AWAY_SECONDS = 10.0
"""So soon a command says that it cannot track."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    """Give a server that runs."""
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def sweep() -> Iterator[str]:
    """Give the name of a sweep that no other test of the server has."""
    name = f"test-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    yield name
    shutil.rmtree(ROOT / "runs" / name, ignore_errors=True)


def tracked_on(uri: str) -> list[str]:
    """Return the overrides that track on a server."""
    return ["tracking=server", f"tracking.uri={uri}"]


def away_message(uri: str, why: str) -> str:
    """Return what is said of a server that does not answer."""
    return (
        f"TrackingError: the tracking server {uri} does not answer: {why}.\n"
        "Results in runs/ are kept. Start the server again and send what it lacks: python src/track.py. "
        "To train without a server: tracking=local, or tracking=off.\n"
        "docs/how-to/track-on-a-server.md shows how to start one.\n"
    )


def test_artifacts_go_through_the_server(run, sweep, server):
    """Also where the first user named no server's configuration: the path of no disk gets into the experiments."""
    words = ["-m", *TINY, "model=dense,mean_lambda", f"sweep={sweep}", f"tracking.uri={server.uri}"]
    told = run("train", *words)
    assert told.returncode == 0, told.stderr
    client = mlflow.MlflowClient(server.uri)
    assert all(one.artifact_location.startswith("mlflow-artifacts:") for one in client.search_experiments())
    held = contents_of(server.uri)[f"runs/{sweep}/keras2/fresh_arrays/dense/seed-0"]
    folder = ROOT / "runs" / sweep / "keras2" / "fresh_arrays" / "dense" / "seed-0"
    assert held["status"] == "FINISHED"
    assert held["parent"] == f"{sweep} / keras2"
    assert held["artifacts"]["model.keras"] == (folder / "model.keras").read_bytes()


@pytest.mark.parametrize("many", [["-m", "seed=0,1"], ["seed=0"]], ids=["sweep", "alone"])
def test_a_reader_that_goes_away_is_no_failure_of_the_server(sweep, server, many):
    """As in `python src/train.py ... | head -1`."""
    words = [*many, *TINY, "model=mean_lambda", f"sweep={sweep}", *tracked_on(server.uri)]
    with subprocess.Popen(
        [sys.executable, "src/train.py", *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as training:  # fmt: skip
        assert training.stdout and training.stderr
        training.stdout.readline()
        training.stdout.close()
        assert "TrackingError" not in training.stderr.read()
    statuses = {place: held["status"] for place, held in contents_of(server.uri).items() if sweep in place}
    assert set(statuses.values()) == {"FINISHED"}
    assert len(statuses) == (3 if "-m" in many else 1)


@pytest.mark.parametrize("many", [["-m", "seed=0,1"], ["seed=0"]], ids=["sweep", "alone"])
def test_a_server_that_is_away_is_said_soon(run, sweep, many):
    """Before anything is trained."""
    uri = Server(ROOT).uri  # nobody listens there
    since = time.monotonic()
    told = run("train", *many, *TINY, f"sweep={sweep}", *tracked_on(uri))
    assert time.monotonic() - since < AWAY_SECONDS
    assert (told.returncode, told.stderr) == (2, away_message(uri, "Connection refused"))
    assert not list((ROOT / "runs" / sweep).rglob("result.json"))


def test_a_server_that_was_killed_has_every_run_once_after_track(run, sweep, server, tmp_path):
    """Training goes on meanwhile, the exit status tells, and what was not sent is sent when it is back."""
    line = ["-m", *TINY, "model=mean_lambda", "seed=range(16)", "hydra.launcher.workers=2"]
    killed = KilledSweep(sweep, tmp_path, line, server.uri)
    started = killed.start()
    while len(list(killed.runs.rglob("result.json"))) < 3:
        assert started.poll() is None, (tmp_path / "printed.txt").read_text()
        time.sleep(0.05)
    server.kill()
    assert started.wait(timeout=200) == 2
    assert (tmp_path / "printed.txt").read_text().endswith(away_message(server.uri, "Connection refused"))
    assert len(killed.results()) == 16
    server.start()
    told = run("track")
    assert told.returncode == 0, told.stderr
    runs = [run for run in killed.tracked() if run.data.tags["sweep"] == sweep]
    assert {run.info.status for run in runs} == {"FINISHED"}
    folders = sorted(run.data.tags.get("folder", "the parent") for run in runs)
    assert folders == sorted({*folders})
    assert len(folders) == 16 + 1
    assert "0 results sent, 0 verdicts renewed, 0 open runs closed." in run("track").stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory, server) -> Path:
    """A copy of the project whose champion was trained, judged and promoted on the server."""
    copy = tmp_path_factory.mktemp("project")
    for part in ("src", "conf"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (copy / "reports").mkdir()
    (copy / "reports" / "guard.json").write_text(json.dumps(CLEAN))
    axes = [f"{axis}={value}" for axis, value in AXES.items()]
    promoted = [part for axis, value in AXES.items() for part in (f"--{axis}", value)]
    for words in (
        ["train", "sweep=matrix", *axes, "training.steps_per_execution=100", *tracked_on(server.uri)],
        ["verify"],
        ["promote", *promoted],
    ):
        told = in_copy(copy, *words)
        assert told.returncode == 0, told.stdout + told.stderr
    return copy


def in_copy(project: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a stage of the copy."""
    return subprocess.run(
        [sys.executable, f"src/{script}.py", *arguments],
        cwd=project, env=os.environ | {"PYTHONPATH": str(project / "src")},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_a_run_is_promoted_and_judged_on_the_server_that_has_it(project, server):
    """No store of the project's own comes into being."""
    client = mlflow.MlflowClient(server.uri)
    version = client.get_model_version_by_alias("mean-of-two", "champion")
    run = client.get_run(version.run_id)
    assert run.data.tags["guard"] == "silent"  # verify has put it there
    assert json.loads((project / "reports" / "champion.json").read_text())["mlflow_run_id"] == version.run_id
    assert not list(project.glob("mlflow.db*")) + list(project.glob("mlruns"))


def test_the_champion_is_served_from_the_server_that_has_it(project):
    """It answers over HTTP, also where no environment is activated; stopped by its own id."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "src/serve.py", "--port", str(port)], cwd=project, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(project / "src"), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as serving:  # fmt: skip
        try:
            wait_for(lambda: serving.poll() is not None or answers(port))
            (answer,) = ask(port, b'{"inputs": [[73, 57]]}')["predictions"]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(serving.pid, signal.SIGTERM)
    assert answer == pytest.approx([65], abs=1)
    assert not list(project.glob("mlflow.db*")) + list(project.glob("mlruns"))


def answers(port: int) -> bool:
    """Tell whether a served model is ready."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/ping", timeout=5):
        return True
    return False


def ask(port: int, data: bytes) -> Any:
    """Return what a served model answers."""
    address = f"http://{HOST}:{port}/invocations"
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answered:
        return json.load(answered)


def test_pages_of_a_server_are_linked_to_and_not_served_again(project, server):
    """It has pages of its own, so `ui.py` ends."""
    told = in_copy(project, "ui")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"The server {server.uri} has runs of this project. Open\n")
    assert told.stdout.count(f"{server.uri}/#/experiments/") == 4
