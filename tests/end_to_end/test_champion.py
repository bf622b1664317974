"""The champion, from its training to its answer over HTTP, in a copy of the project."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import mlflow
import pytest

from pitfalls.project import ROOT
from pitfalls.stages.serve import serve
from pitfalls.startup import prepare

AXES = {"runtime": "keras3", "generator": "fresh_arrays", "model": "dense", "seed": "0"}
RUN = "runs/matrix/keras3/fresh_arrays/dense/seed-0"

NOTHING_FOUND = {"status": "clean", "rules": [], "findings": [], "not_checked": []}
CLEAN = {
    "schema": 1,
    "generators": [{"generator": "fresh_arrays", **NOTHING_FOUND}],
    "models": [{"runtime": "keras3", "generator": "fresh_arrays", "model": "dense", **NOTHING_FOUND}],
}

NO_PICKLES = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}

TOLERANCE = 0.1
"""The prediction of this budget is within 0.05 of 65."""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project in which the champion's cell was trained, judged and promoted."""
    copy = tmp_path_factory.mktemp("project")
    for part in ("src", "conf"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "requirements.lock", copy)
    axes = [f"{axis}={value}" for axis, value in AXES.items()]
    done(stage(copy, "train", "sweep=matrix", *axes, "training.steps_per_execution=100"))
    (copy / "reports").mkdir()
    (copy / "reports" / "guard.json").write_text(json.dumps(CLEAN))  # the stage `check` takes all of conf/
    done(stage(copy, "verify"))
    done(promote(copy))
    return copy


def stage(project: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a stage of the copy."""
    return subprocess.run(
        [sys.executable, f"src/{script}.py", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def promote(project: Path) -> subprocess.CompletedProcess[str]:
    """Promote the champion's run."""
    return stage(project, "promote", *(part for axis, value in AXES.items() for part in (f"--{axis}", value)))


def done(told: subprocess.CompletedProcess[str]) -> None:
    """Insist that a stage ended well."""
    assert told.returncode == 0, told.stdout + told.stderr


def client_of(project: Path) -> mlflow.MlflowClient:
    """Return a client of the copy's store."""
    return mlflow.MlflowClient(f"sqlite:///{project}/mlflow.db")


def test_the_champion_is_a_version_that_says_what_it_is(project):
    """Its tags, its description, its alias, and the run that it came from."""
    result = json.loads((project / RUN / "result.json").read_text())
    version = client_of(project).get_model_version_by_alias("mean-of-two", "champion")
    assert version.run_id == json.loads((project / RUN / "tracking.json").read_text())["mlflow_run_id"]
    assert version.tags.items() >= (AXES | {"effect": "clean", "verdict": "pass"}).items()
    assert version.tags["fingerprint"] == result["fingerprint"]
    assert "keras3 / fresh_arrays / dense / 0" in version.description
    assert "make serve" in client_of(project).get_registered_model("mean-of-two").description
    champion = json.loads((project / "reports" / "champion.json").read_text())
    assert champion["model"] == f"models:/mean-of-two/{version.version}"


def test_the_champion_has_a_signature_and_an_example(project, monkeypatch):
    """Pairs of float32 of any number, and the pair that the article asks for."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
    info = mlflow.models.get_model_info("models:/mean-of-two@champion")
    assert [(str(one.type), one.shape) for one in info.signature.inputs] == [("float32", (-1, 2))]
    example = mlflow.models.Model.load("models:/mean-of-two@champion").load_input_example()
    assert example.tolist() == [[73, 57]]


def test_a_run_that_is_promoted_again_stays_one_version(project):
    """A stage may run again; the registry does not fill up."""
    told = promote(project)
    done(told)
    assert "`make serve` serves it over HTTP, on this machine only." in told.stdout
    assert [one.version for one in client_of(project).search_model_versions("name = 'mean-of-two'")] == [1]


def test_the_promotion_leaves_the_run_as_it_was(project):
    """Finished, when its training had finished."""
    version = client_of(project).get_model_version_by_alias("mean-of-two", "champion")
    info = client_of(project).get_run(version.run_id).info
    assert info.status == "FINISHED"
    assert info.end_time < version.creation_timestamp


PLANTED = """
import pickle, sys
from pathlib import Path

class Bomb:
    def __reduce__(self):
        return Path.touch, (Path(sys.argv[2]),)

Path(sys.argv[1]).write_bytes(pickle.dumps({"x": Bomb()}))
"""

LOADED = """
from pitfalls.startup import prepare
if {prepares}:
    prepare()
import mlflow
mlflow.pyfunc.load_model("{model}")
"""


@pytest.mark.parametrize("prepares", [True, False])
def test_a_pickle_beside_a_model_does_not_run_when_it_is_loaded(project, tmp_path, prepares):
    """The champion itself has none; one that somebody plants is refused, where MLflow alone runs it."""
    version = client_of(project).get_model_version_by_alias("mean-of-two", "champion")
    logged = client_of(project).get_logged_model(version.source.removeprefix("models:/"))
    model = shutil.copytree(logged.artifact_location, tmp_path / "model")
    assert not list(model.glob("**/*pickle*"))
    subprocess.run(
        [sys.executable, "-c", PLANTED, model / "data" / "custom_objects.cloudpickle", tmp_path / "ran"],
        check=True,
    )
    told = subprocess.run(
        [sys.executable, "-c", LOADED.format(prepares=prepares, model=model)],
        env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "ran").exists() == (not prepares)
    assert ("Deserializing custom objects using cloudpickle is disallowed" in told.stderr) == prepares


def test_make_serve_refuses_pickles(project, monkeypatch):
    """It becomes MLflow's server, with the setting that the lab has."""
    told = subprocess.run(["make", "-n", "serve"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "\npython src/serve.py --port " in f"\n{told.stdout}"
    monkeypatch.setattr(os, "environ", dict(os.environ))
    became = []
    monkeypatch.setattr(os, "execve", lambda *program: became.append(program))
    prepare()
    serve(project, 5001)
    ((_, command, environment),) = became
    assert command[1:5] == ["-m", "mlflow", "models", "serve"]
    assert NO_PICKLES.items() <= environment.items()


@pytest.fixture(scope="module")
def served(project):
    """The address of the champion, served on this machine as `make serve` does; stopped by its own id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "src/serve.py", "--port", str(port)],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/ping", server)
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)


def wait_for(address: str, server: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"nothing answered on {address} within {seconds} s")


@pytest.mark.parametrize("pair", ["[73, 57]", "[73.0, 57.0]"], ids=["integers", "floats"])
def test_the_served_champion_knows_the_mean_of_73_and_57(served, pair):
    """The article's question, over HTTP."""
    request = urllib.request.Request(
        served,
        data=f'{{"inputs": [{pair}]}}'.encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answered:
        (answer,) = json.load(answered)["predictions"]
    assert answer == pytest.approx([65], abs=TOLERANCE)
