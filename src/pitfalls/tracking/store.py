"""The store: where runs are tracked, its experiments, and what it says when it does not answer."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from omegaconf import DictConfig

from pitfalls.config import Tracking
from pitfalls.errors import TrackingError

PARENT_RUN = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
NAME = "mlflow.runName"

DESCRIPTIONS = {
    "article": "The listings of the 2019 article that train, at the article's own settings. "
    "Look at *listing 1*: its loss ends at 416.6, what a model pays that answers 49.5 for everything.",
    "matrix": "Every runtime x generator x model at every seed, one parent a runtime. "
    "Group by the tag `effect`; compare two runs that differ in `generator` alone.",
    "manual": "What was started by hand with `python src/train.py`. The tag `sweep` tells sweeps apart.",
}


def client_for(tracking: Tracking | DictConfig) -> mlflow.MlflowClient:
    """Return a client of the configured store, which exists when this returns.

    Raises:
        TrackingError: The store cannot be opened.
    """
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if tracking.uri.startswith("sqlite:///"):
        refuse_damaged(Path(tracking.uri.removeprefix("sqlite:///")))
    with tracking_errors(tracking.uri):
        return opened(tracking.uri, tracking.artifacts)


@lru_cache
def opened(uri: str, artifacts: str) -> mlflow.MlflowClient:
    """Return the client of a store that has every experiment; opened once a process, as it takes 0.1 s."""
    client = mlflow.MlflowClient(tracking_uri=uri)
    for name, description in DESCRIPTIONS.items():
        ensure_experiment(client, name, description, artifacts)
    return client


def refuse_damaged(database: Path) -> None:
    """Refuse a file that is no SQLite database, on which MLflow would retry for minutes.

    Raises:
        TrackingError: Names the file.
    """
    try:
        with sqlite3.connect(database) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        raise TrackingError(
            f"{database} cannot be used: {error}.\n"
            f"Nothing was trained. Move it away (mv {database.name} {database.name}.damaged) to start a new one, "
            "or run with tracking=off."
        ) from error


def ensure_experiment(client: mlflow.MlflowClient, name: str, description: str, artifacts: str) -> None:
    """Create an experiment with its description, if it is not there."""
    if client.get_experiment_by_name(name) is None:
        location = f"{artifacts}/{name}" if artifacts else None
        client.create_experiment(name, artifact_location=location, tags={NOTE: description})


@contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow and the libraries below it raise into a message.

    Raises:
        TrackingError: In place of an error of MLflow, of the database or of the network.
    """
    try:
        yield
    except (MlflowException, OSError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrackingError(
            f"the tracking store {uri} does not answer: {first_line[:200]}\n"
            "Results in runs/ are kept. Start the store again, name another with tracking.uri=..., "
            "or run with tracking=off."
        ) from error


def experiment_of(client: mlflow.MlflowClient, sweep: str) -> str:
    """Return the id of the experiment that holds a sweep's runs."""
    found = client.get_experiment_by_name(sweep if sweep in DESCRIPTIONS else "manual")
    assert found is not None, "client_for creates every experiment"
    return found.experiment_id
