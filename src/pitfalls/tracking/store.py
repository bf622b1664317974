"""The store: where runs are tracked, its experiments, and the message if it does not answer."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from omegaconf import OmegaConf

from pitfalls.config.schema import Tracking, register
from pitfalls.errors import TrackingError
from pitfalls.project import ROOT
from pitfalls.tracking.views import view_tags

PARENT_RUN = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
NAME = "mlflow.runName"

COLOURS = "Orange **bites**, purple is **masked**, blue is **repaired**, grey is **clean**."

DESCRIPTIONS = {
    "article": f"The listings of the 2019 article that train, at the article's own settings. {COLOURS}\n\n"
    "Look at *listing 1*: its loss ends at 416.6, the loss of a model that answers 49.5 to everything. "
    "*Listing 2* ends near 0, although its batches share memory as well.",
    "matrix": f"Each row is a run: runtime / generator / model / seed. {COLOURS}\n\n"
    "- `claimed_loss` comes from a closed form, `final_loss` was measured; `broken_rows` is the share of rows "
    "whose label is not the mean of its inputs.\n"
    "- The filter shows seed 0. Clear it to see every seed, under one parent for each runtime. "
    "The second button draws the charts.\n"
    "- Why does one fail? Tick `keras2 / reused_inputs / dense / 0` and `keras2 / fresh_arrays / dense / 0`, "
    "press *Compare*, and show what differs: of the parameters it is the `generator`, "
    "of the metrics `broken_rows` and every loss.",
    "manual": "Runs that were started by hand with `python src/train.py`, sweep by sweep, the newest of each first. "
    f"{COLOURS}",
}


def local_store() -> Tracking:
    """Return the store of the project's folder, as conf/tracking/local.yaml has it."""
    register()
    store = OmegaConf.load(ROOT / "conf" / "tracking" / "local.yaml")
    tracking = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Tracking), store))
    assert isinstance(tracking, Tracking)
    return tracking


def client_for(tracking: Tracking) -> mlflow.MlflowClient:
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
    for name in DESCRIPTIONS:
        ensure_experiment(client, name, artifacts)
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
            f"Nothing was trained. Move it away (mv {database.name} {database.name}.damaged), and a new one is made, "
            "or run with tracking=off."
        ) from error


def ensure_experiment(client: mlflow.MlflowClient, name: str, artifacts: str) -> None:
    """Create an experiment with its description and its view; add what an older one lacks.

    What is there is left alone: it may have been edited on the page.
    """
    tags = {NOTE: DESCRIPTIONS[name], **view_tags(name)}
    found = client.get_experiment_by_name(name)
    if found is None:
        location = f"{artifacts}/{name}" if artifacts else None
        client.create_experiment(name, artifact_location=location, tags=tags)
        return
    for key in tags.keys() - found.tags.keys():
        client.set_experiment_tag(found.experiment_id, key, tags[key])


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
