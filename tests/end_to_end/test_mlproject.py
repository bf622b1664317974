"""The project as `mlflow run` starts it, in a copy of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow

from pitfalls.project import ROOT
from pitfalls.results import Result

TRAIN = ["-e", "train", "-P", "runtime=keras3", "-P", "generator=flat_labels", "-P", "training=brief"]


def test_mlflow_run_trains_and_its_run_names_the_training_s(tmp_path):
    """The README's line, at a shorter budget: what was measured is written, and found from the project's run."""
    for part in ("src", "conf"):
        shutil.copytree(
            ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for part in ("MLproject", "python_env.yaml", "requirements.lock"):
        shutil.copy(ROOT / part, tmp_path)
    told = subprocess.run(
        [sys.executable, "-m", "mlflow", "run", ".", *TRAIN, "--env-manager=local"],
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(tmp_path / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    folder = tmp_path / "runs" / "manual" / "keras3" / "flat_labels" / "dense" / "seed-0"
    result = Result.read(folder / "result.json")
    assert result.shapes.labels == (64,)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiments = [one.experiment_id for one in client.search_experiments()]
    notes = [run.data.tags.get("mlflow.note.content", "") for run in client.search_runs(experiments)]
    tracked = json.loads((folder / "tracking.json").read_text())
    assert f"The training is tracked as run `{tracked['mlflow_run_id']}`." in notes
