"""Tracking: a result becomes an MLflow run that explains itself. The only importers of mlflow.

Everything goes through `MlflowClient` with explicit run ids, so that nothing depends on
an active run or on an id that the environment left behind. Metrics, params and tags of
a run are one batch. A sweep's runs hang under one parent for each runtime, which is found
again by its tags; a job that dies leaves a FAILED run with its error.
"""

from pitfalls.tracking.runs import TrackedRun, retag, tracked_run
from pitfalls.tracking.store import client_for
from pitfalls.tracking.sweeps import tracked_sweep

__all__ = ["TrackedRun", "client_for", "retag", "tracked_run", "tracked_sweep"]
