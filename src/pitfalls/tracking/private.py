"""Every private name of MLflow that the lab relies on, one function each. Known: MLflow 3.17.

A test lists them all, and pyproject.toml pins the version.
"""

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.data.numpy_dataset import NumpyDataset
    from mlflow.entities import Dataset

LOGGED_ARTIFACTS = "mlflow.loggedArtifacts"
"""The tag by which a run's page knows which artifacts are tables."""


def with_context(tags: dict[str, str]) -> dict[str, str]:
    """Return tags with those that `mlflow.start_run` would add: the source, the user, the commit.

    Without MLflow's function runs lack those, and nothing else.
    """
    try:
        from mlflow.tracking.context.registry import resolve_tags
    except ImportError:
        return tags
    resolved: dict[str, str] = resolve_tags(tags)
    return resolved


def entity_of(dataset: "NumpyDataset") -> "Dataset":
    """Return a dataset in the form in which a client logs it: what `mlflow.log_input` does first.

    Raises:
        RuntimeError: This MLflow converts it elsewhere.
    """
    import mlflow

    try:
        return dataset._to_mlflow_entity()
    except AttributeError as error:
        raise RuntimeError(
            f"MLflow {mlflow.__version__} has no Dataset._to_mlflow_entity; the lab was written for MLflow 3.17.\n"
            "Install the locked packages: make setup."
        ) from error


@cache
def tables() -> set[str]:
    """Return the tables of a store, as the installed MLflow has them."""
    from mlflow.store.db import utils  # it makes every table known
    from mlflow.store.db.base_sql_model import Base

    assert utils
    return set(Base.metadata.tables)


@cache
def revisions() -> list[str]:
    """Return the versions that the tables of a store went through, the newest first."""
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils

    scripts = ScriptDirectory.from_config(utils._get_alembic_config(db_url=""))
    return [script.revision for script in scripts.walk_revisions()]


def close(client: "MlflowClient") -> None:
    """Close a client's connections to a database, which MLflow keeps open until its process ends.

    Where MLflow keeps them elsewhere they stay open, which costs a file handle.
    """
    with suppress(AttributeError):
        client._tracking_client.store._dispose_engine()
