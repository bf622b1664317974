"""Bad input: a few lines that name the cure, no traceback, a status that is not 0, and nothing left behind."""

import socket

import pytest

from pitfalls.project import ROOT

REFUSED = {
    "generator=nonsense": "reused_inputs_aligned",
    "task.batch_size=0": "Give task.batch_size=1 or more.",
    "task.high=1": "Give task.high=2 or more.",
    "training.epochs=-1": "Give training.epochs=1 or more.",
    "task.hihg=3": "Did you mean task.high?",
    "+runtme=keras2": "Did you mean runtime?",
    "+foo=1": "foo does not exist in the configuration.",
    "training=null": "Choose one of: article, brief, lottery, quick.",
    "runtime=null": "Choose one of: custom_loop, jax_loop, jax_prefetch, keras2, keras3, keras3_jax, keras3_torch, "
    "keras3_workers, torch_collate, torch_loader, torch_loop, torch_workers.",
    "task.batch_size=1000000000000": "of memory, and this machine has",
    "hydra.run.dir=/elsewhere": "sweep=mine",
    "training.steps_per_execution=7": "does not divide training.steps_per_epoch=300",
    "training.epochs=400000": "Give at most 100,000,000 steps in all.",
    "tracking.uri=http://me:secret@127.0.0.1:9": "give tracking.uri=http://127.0.0.1:9.",
    "experiment=listing_3": "Run python src/probe.py experiment=listing_3.",
}


@pytest.mark.parametrize(("override", "cure"), REFUSED.items())
def test_a_configuration_that_cannot_be_trained_is_refused_with_its_cure(run, sweep, override, cure):
    """Each is a message, not a traceback, and makes no folder."""
    told = run("train", override, f"sweep={sweep}")
    assert told.returncode != 0
    assert cure in told.stderr + told.stdout
    assert "Traceback" not in told.stderr
    assert not (ROOT / "runs" / sweep).exists()


@pytest.mark.parametrize(
    "arguments", [("train",), ("train", "-m", "seed=0,1"), ("probe",), ("probe", "-m", "seed=0,1")]
)
def test_a_sweep_is_a_name_and_no_path(run, arguments):
    """A sweep that climbs out of runs/ is refused before anything is written there."""
    told = run(*arguments, "sweep=../x")
    assert told.returncode == 2
    assert "sweep=../x is no name" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (ROOT / "x").exists()


def test_a_sweep_that_spans_no_runs_is_refused(run, sweep):
    """A glob of a key without options."""
    told = run("train", "-m", "seed=glob(*)", f"sweep={sweep}")
    assert told.returncode == 2
    assert told.stderr.startswith("ConfigurationError: this sweep is empty")
    assert "Traceback" not in told.stderr


def test_two_jobs_with_one_target_are_refused(run, sweep):
    """The second would overwrite the first."""
    told = run("train", "-m", "seed=0,0", f"sweep={sweep}")
    assert told.returncode == 2
    assert "two runs would write to the same folder" in told.stderr


def test_a_damaged_store_is_named_before_anything_is_trained(run, sweep, tmp_path):
    """MLflow itself would retry for minutes."""
    damaged = tmp_path / "mlflow.db"
    damaged.write_text("garbage " * 20)
    told = run("train", "-m", "seed=0,1", f"sweep={sweep}", f"tracking.uri=sqlite:///{damaged}")
    assert told.returncode == 2
    assert "file is not a database" in told.stderr
    assert "tracking=off" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_store_that_is_not_there_is_not_browsed(run, tmp_path):
    """MLflow itself would create an empty one."""
    told = run("ui", "--database", str(tmp_path / "mlflow.db"))
    assert told.returncode == 2
    assert told.stderr == (
        "TrackingError: there are no tracked runs yet: mlflow.db does not exist.\n"
        "Run `make reproduce`, or train one run with `python src/train.py`.\n"
    )
    assert not (tmp_path / "mlflow.db").exists()


def test_a_port_that_is_taken_is_named(run, tmp_path):
    """Before MLflow starts, which would say so in a traceback."""
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        told = run("ui", "--database", str(tmp_path / "mlflow.db"), "--port", str(port))
    assert told.returncode == 2
    assert f"port {port} of this machine cannot be used: Address already in use" in told.stderr
    assert f"make ui PORT={port + 1}" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_python_without_the_lab_is_sent_to_make_setup(run):
    """`-S` hides the environment's packages, as a system's Python would."""
    import subprocess
    import sys

    told = subprocess.run(
        [sys.executable, "-S", "src/train.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert "Run `make setup`" in told.stderr
    assert "Traceback" not in told.stderr
