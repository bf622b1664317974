"""The store: where runs are tracked, its experiments, and the message if it does not answer."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import mlflow
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

from pitfalls.config.schema import Tracking
from pitfalls.errors import TrackingError
from pitfalls.tracking import private
from pitfalls.tracking.database import local_database, locked_by_another, make_ready
from pitfalls.tracking.servers import away, is_network, is_server, refuse_away, refuse_still_away
from pitfalls.tracking.views import view_tags

PARENT_RUN = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
NAME = "mlflow.runName"

COLOURS = (
    "Orange **bites**, yellow is **rare**, purple is **masked**, blue is **repaired**, grey is **clean**."
)

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
    "alignment": f"The alignment lottery: one program, and what decides whether its batches are broken. {COLOURS}\n\n"
    "Under `keras3` and `jax_loop` the address of the buffer decides, `inputs_offset_bytes` past a 64-byte boundary. "
    "In JAX it matters too what is called on a batch (`hand_over`), what is waited for (`waits`), and how long a "
    "step is (`load`).",
    "manual": "Runs that were started by hand with `python src/train.py`, sweep by sweep, the newest of each first. "
    f"{COLOURS}",
}


def client_for(tracking: Tracking) -> mlflow.MlflowClient:
    """Return a client of the configured store, which exists when this returns.

    Raises:
        TrackingError: The store cannot be opened.
    """
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    artifacts = "" if is_server(tracking.uri) else tracking.artifacts
    with tracking_errors(tracking.uri):
        refuse_still_away(tracking.uri)
        if database := local_database(tracking.uri):
            make_ready(database, lambda place: make_store(place, artifacts))
        return opened(tracking.uri, artifacts)


@lru_cache
def opened(uri: str, artifacts: str) -> mlflow.MlflowClient:
    """Return the client of a store that has every experiment; opened once a process, as it takes 0.1 s.

    Args:
        uri: The store.
        artifacts: Where new experiments keep files; empty where a server decides, so that nobody's disk gets into it.
    """
    if is_server(uri):
        refuse_away(uri)
    client = mlflow.MlflowClient(tracking_uri=uri)
    ensure_experiments(client, artifacts)
    return client


def make_store(database: Path, artifacts: str) -> None:
    """Make a SQLite store that has every experiment."""
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{database}")
    ensure_experiments(client, artifacts)
    private.close(client)


def ensure_experiments(client: mlflow.MlflowClient, artifacts: str) -> None:
    """Create each experiment that a store lacks."""
    for name in DESCRIPTIONS:
        ensure_experiment(client, name, artifacts)


def ensure_experiment(client: mlflow.MlflowClient, name: str, artifacts: str) -> None:
    """Create an experiment with its description and its view; add what an older one lacks.

    What is there is left alone: it may have been edited on the page.
    """
    tags = {NOTE: DESCRIPTIONS[name], **view_tags(name)}
    found = client.get_experiment_by_name(name) or created(client, name, artifacts, tags)
    for key in tags.keys() - found.tags.keys():
        client.set_experiment_tag(found.experiment_id, key, tags[key])


def created(client: mlflow.MlflowClient, name: str, artifacts: str, tags: dict[str, str]) -> Experiment:
    """Create an experiment; of two processes that do so at once the second finds the first one's.

    Raises:
        MlflowException: It can be neither created nor found.
    """
    location = f"{artifacts}/{name}" if artifacts else None
    try:
        client.create_experiment(name, artifact_location=location, tags=tags)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = client.get_experiment_by_name(name)
    assert found is not None, "it was there a moment ago"
    return found


STORE_LIBRARIES = ("mlflow", "sqlalchemy", "alembic")
"""Whose errors are the store's; what its network and its files do wrong is an OSError."""


@contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow and the libraries below it raise into a message.

    Raises:
        TrackingError: In place of an error of MLflow, of the database or of the network.
    """
    try:
        yield
    except (BrokenPipeError, TrackingError):
        raise  # whoever reads what we print has gone, as in `| head`, or the store's trouble is in words already
    except Exception as error:
        library = type(error).__module__.partition(".")[0]
        if library not in STORE_LIBRARIES and not isinstance(error, OSError):
            raise
        raise TrackingError(no_answer(uri, error)) from error


def no_answer(uri: str, error: Exception) -> str:
    """Say that a store does not answer, and what to do."""
    database = local_database(uri)
    if database and "database is locked" in str(error):
        return locked_by_another(database)
    if is_server(uri) and is_network(error):
        return away(uri, error)
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return (
        f"the tracking store {uri} does not answer: {first_line[:200]}\n"
        "Results in runs/ are kept. Start the store again, name another with tracking.uri=..., "
        "or run with tracking=off."
    )


@lru_cache
def experiment_of(client: mlflow.MlflowClient, sweep: str) -> str:
    """Return the id of the experiment that holds a sweep's runs; asked once a process, as a server takes 40 ms."""
    found = client.get_experiment_by_name(sweep if sweep in DESCRIPTIONS else "manual")
    assert found is not None, "client_for creates every experiment"
    return found.experiment_id
