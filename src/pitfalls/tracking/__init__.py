"""Tracking: each result becomes an MLflow run that explains itself. Nothing else imports mlflow.

Everything goes through `MlflowClient` with explicit run ids, so that nothing depends on
an active run or on an id that the environment left behind. Metrics, params and tags of
a run are one batch. A sweep's runs hang under one parent for each runtime, which is found
again by its tags. What stands in runs/ is the truth; `reconcile` makes the store equal to it.
"""

from pitfalls.tracking.reconcile import Reconciled, reconcile
from pitfalls.tracking.registry import register_champion
from pitfalls.tracking.runs import TrackedRun, retag, tracked_run
from pitfalls.tracking.store import client_for
from pitfalls.tracking.sweeps import TrackedSweep, tracked_alone, tracked_sweep
from pitfalls.tracking.views import view_links

__all__ = [
    "Reconciled",
    "TrackedRun",
    "TrackedSweep",
    "client_for",
    "reconcile",
    "register_champion",
    "retag",
    "tracked_alone",
    "tracked_run",
    "tracked_sweep",
    "view_links",
]
