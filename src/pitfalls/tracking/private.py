"""Every private name of MLflow that the lab relies on, one function each. Known: MLflow 3.17.

A test lists them all, and pyproject.toml pins the version.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
