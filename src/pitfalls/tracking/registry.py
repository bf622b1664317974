"""The registry: a promoted run as a model that can be served, one version a run."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from pitfalls.config.schema import Tracking
from pitfalls.errors import PromotionError
from pitfalls.project import PAIR, PAIR_MEAN, SeededCell
from pitfalls.results import Result, Verdict
from pitfalls.tracking.contents import note
from pitfalls.tracking.servers import is_server
from pitfalls.tracking.store import client_for, tracking_errors
from pitfalls.verdicts.words import number

Load = Callable[[str], Any]
"""Reads a model from a file."""

MODEL = "mean-of-two"
ALIAS = "champion"

EXAMPLE = [list(PAIR)]

ASKED = json.dumps({"inputs": EXAMPLE})

SERVED_WITH = ("keras", "numpy", "tensorflow-cpu")

ADDRESS = f"models:/{MODEL}@{ALIAS}"

HOW_TO_SERVE = (
    "`make serve` serves it over HTTP, on this machine only. Ask it in another shell:\n\n"
    f"    curl -s -H 'Content-Type: application/json' -d '{ASKED}' "
    "http://127.0.0.1:5001/invocations"
)

DESCRIPTION = (
    f"The mean of two numbers, learned from examples by `Dense(1)`: {EXAMPLE} gives {PAIR_MEAN:g}.\n\n"
    "Each version is a run of the lab. The alias `champion` marks the one that was promoted last.\n\n"
    f"{HOW_TO_SERVE}"
)


def register_champion(
    tracking: Tracking | None, run_id: str | None, result: Result, verdict: Verdict, load: Load
) -> str:
    """Register the model of a run, unless it is registered, and give its version the alias `champion`.

    Args:
        tracking: The store that holds the run, its model and the registry; None if it was not tracked.
        run_id: The run, None if it was not tracked.
        result: The run's measurements.
        verdict: What verification says of them.
        load: Reads the model that the run kept; called only for a version that is new.

    Returns:
        The address of its version, e.g. ``models:/mean-of-two/1``.

    Raises:
        PromotionError: The store holds no such run, or no model of it.
        TrackingError: The store does not answer.
    """
    cell = result.cell
    if not tracking or not run_id:
        raise PromotionError(
            f"{cell} was trained with tracking=off, so its model was not kept.\n{cure(cell)}"
        )
    client = client_for(tracking)
    with tracking_errors(tracking.uri):
        run = tracked_run_of(client, run_id, cell)
        refuse_without_model(client, tracking.uri, run, result)
        version = version_of(client, run) or new_version(client, tracking.uri, run, result, verdict, load)
        client.set_registered_model_alias(MODEL, ALIAS, version)
    return f"models:/{MODEL}/{version}"


def cure(cell: SeededCell) -> str:
    """Say how to train a run again so that the store holds its model."""
    return (
        "Train it again, then promote it:\n"
        f"  python src/train.py sweep=matrix runtime={cell.runtime} generator={cell.generator} "
        f"model={cell.model} seed={cell.seed} retrain=true\n"
        "  dvc repro"
    )


def tracked_run_of(client: mlflow.MlflowClient, run_id: str, cell: SeededCell) -> Run:
    """Return the run of a result.

    Raises:
        PromotionError: It is not in the store, or was deleted there.
    """
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise PromotionError(
            f"{cell} was tracked as run {run_id}, but the store does not have it: "
            f"the run was removed, or this is another store.\n{cure(cell)}"
        ) from None
    if run.info.lifecycle_stage == "deleted":
        raise PromotionError(
            f"{cell} was tracked as run {run_id}, but that run was deleted.\n"
            f"Restore it in MLflow (`make ui`, State: Deleted), or train it again.\n{cure(cell)}"
        )
    return run


def refuse_without_model(client: mlflow.MlflowClient, uri: str, run: Run, result: Result) -> None:
    """Refuse a run without a model.

    Raises:
        PromotionError: It never had one, or its file is gone.
    """
    if any(artifact.path == "model.keras" for artifact in client.list_artifacts(run.info.run_id)):
        return
    cell = result.cell
    if not result.is_trainable:
        raise PromotionError(
            f"{cell} has no model to promote: a fixed Lambda has no weights to train, so its run keeps none.\n"
            "Name a run of the model `dense` under `champion` in params.yaml."
        )
    place = f"on {uri}" if is_server(uri) else "in mlruns/"
    raise PromotionError(
        f"{cell} has lost its model: model.keras is not among its artifacts {place}.\n{cure(cell)}"
    )


def kept_model(client: mlflow.MlflowClient, run: Run, cell: SeededCell, load: Load) -> Any:
    """Return the model that a run kept.

    It is read twice: first what the lab registers with Keras is imported, then it is taken away.

    Raises:
        PromotionError: Its file is damaged, or needs code that a server does not have.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = client.download_artifacts(run.info.run_id, "model.keras", folder)
        try:
            load(path)
            with nothing_registered():
                return load(path)
        except Exception as error:  # Keras raises whatever its readers of archives, JSON and HDF5 raise
            first_line = (str(error).strip().splitlines() or ["no message"])[0].replace(f"{folder}/", "")
            raise PromotionError(
                f"{cell} has a model that cannot be loaded: {type(error).__name__}: {first_line[:200]}\n"
                f"model.keras of run {run.info.run_id} is damaged, or needs code that the lab does not run. "
                f"Nothing was promoted.\n{cure(cell)}"
            ) from error


@contextmanager
def nothing_registered() -> Iterator[None]:
    """Take away the classes and functions that the lab registers with Keras, in the body of a `with`.

    A server of the model does not have them, and MLflow would write them beside it as a pickle: a program
    that runs when it is read, which `make serve` refuses.
    """
    registered = mlflow.tensorflow.get_global_custom_objects()
    kept = dict(registered)
    registered.clear()
    try:
        yield
    finally:
        registered.update(kept)


def version_of(client: mlflow.MlflowClient, run: Run) -> str | None:
    """Return the version that a run was registered as, if it was."""
    for version in client.search_model_versions(f"name = '{MODEL}'"):
        if version.run_id == run.info.run_id:
            return str(version.version)
    return None


def new_version(
    client: mlflow.MlflowClient,
    uri: str,
    run: Run,
    result: Result,
    verdict: Verdict,
    load: Load,
) -> str:
    """Log a run's model with its signature and register it.

    `Model.log` takes a run's id, where a log_model of MLflow would open the run again
    and change its duration; it knows the store by the process's global URI only.
    """
    model = kept_model(client, run, result.cell, load)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    tags = tags_of_version(result, verdict)
    with nothing_registered():
        logged = Model.log(
            artifact_path=None,
            name=MODEL,
            flavor=mlflow.tensorflow,  # mlflow.keras 3.17 writes the example into a folder that is not there yet
            run_id=run.info.run_id,
            model=model,
            signature=ModelSignature(
                Schema([TensorSpec(np.dtype("float32"), (-1, 2))]),
                Schema([TensorSpec(np.dtype("float32"), (-1, 1))]),
            ),
            input_example=np.array(EXAMPLE, dtype=np.float32),
            pip_requirements=[f"{package}=={installed(package)}" for package in SERVED_WITH],
            tags=tags,
        )
    registered = mlflow.register_model(f"models:/{logged.model_id}", MODEL, tags=tags)
    client.update_registered_model(MODEL, description=DESCRIPTION)
    client.update_model_version(MODEL, registered.version, description_of_version(run, result, verdict))
    return str(registered.version)


def tags_of_version(result: Result, verdict: Verdict) -> dict[str, str]:
    """Return what a version is found by."""
    return {
        **result.cell.options,
        "seed": str(result.cell.seed),
        "verdict": verdict.verdict,
        "effect": verdict.effect,
        "final_loss": number(result.final_loss),
        "fingerprint": result.fingerprint,
    }


def description_of_version(run: Run, result: Result, verdict: Verdict) -> str:
    """Say in Markdown what a version is, and why it was promoted."""
    link = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    return f"The model of run [{result.cell}]({link}).\n\n{note(result, verdict)}"
