"""What a store holds, without ids and times: two stores of one set of runs must be equal in it."""

import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Run

CHANGING_TAGS = ("mlflow.parentRunId",)
"""An id of another run."""


def contents_of(uri: str) -> dict[str, Any]:
    """Return for each run of a store, by its folder or by its name, what it holds.

    Params, each metric's history, tags, notes, datasets, artifacts byte by byte, status and the name of its parent;
    read by a process of its own, since MLflow keeps a database open that was moved away.
    """
    code = "import pickle, sys, stores; sys.stdout.buffer.write(pickle.dumps(stores.read(sys.argv[1])))"
    told = subprocess.run(
        [sys.executable, "-c", code, uri], cwd=Path(__file__).parent, capture_output=True, check=True
    )
    return pickle.loads(told.stdout)


def read(uri: str) -> dict[str, Any]:
    """Read a store."""
    client = mlflow.MlflowClient(uri)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=50_000)
    names = {run.info.run_id: run.info.run_name for run in runs}
    contents = {}
    for run in runs:
        tags = {key: value for key, value in run.data.tags.items() if key not in CHANGING_TAGS}
        contents[tags.get("folder", run.info.run_name)] = {
            "status": run.info.status,
            "parent": names.get(run.data.tags.get("mlflow.parentRunId")),
            "params": run.data.params,
            "tags": tags,
            "metrics": {key: history(client, run.info.run_id, key) for key in run.data.metrics},
            "datasets": [given.dataset.digest for given in run.inputs.dataset_inputs],
            "artifacts": artifacts_of(client, run),
        }
    assert len(contents) == len(runs), "a run is there twice"
    return contents


def history(client: mlflow.MlflowClient, run_id: str, key: str) -> list[tuple[int, float]]:
    """Return each step of a metric and its value, in order."""
    return sorted((metric.step, metric.value) for metric in client.get_metric_history(run_id, key))


def artifacts_of(client: mlflow.MlflowClient, run: Run) -> dict[str, bytes]:
    """Return the bytes of each artifact, from the disk or through the server that keeps them."""
    with tempfile.TemporaryDirectory() as copy:
        if run.info.artifact_uri.startswith("mlflow-artifacts:"):
            folder = Path(client.download_artifacts(run.info.run_id, "", copy))
        else:
            folder = Path(run.info.artifact_uri.removeprefix("file://"))
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
