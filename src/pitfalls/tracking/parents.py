"""Parents: one run for each sweep and runtime, under which its runs hang; found again by its tags."""

from collections.abc import Iterable
from pathlib import Path

import mlflow
from mlflow.entities import Run

from pitfalls.project import ROOT
from pitfalls.runs import launches
from pitfalls.runs.locks import lock
from pitfalls.tracking import private
from pitfalls.tracking.store import experiment_of

OPEN = "RUNNING"


def open_parents(client: mlflow.MlflowClient, sweep: str, runtimes: Iterable[str]) -> dict[str, str]:
    """Return the id of each runtime's parent: the one that is there, or a new one; two at once make one.

    Raises:
        MlflowException: The store does not answer.
    """
    with lock(folder_of(sweep) / launches.LAUNCHES / "parents.lock"):
        return {runtime: open_parent(client, sweep, runtime) for runtime in dict.fromkeys(runtimes)}


def open_parent(client: mlflow.MlflowClient, sweep: str, runtime: str) -> str:
    """Return the id of a parent that runs."""
    found = parents(client, sweep, f" and tags.runtime = '{runtime}'")
    if found:
        client.update_run(found[0].info.run_id, status=OPEN)
        return found[0].info.run_id
    tags = {"role": "parent", "sweep": sweep, "runtime": runtime, "mlflow.source.name": "src/train.py"}
    run = client.create_run(
        experiment_of(client, sweep), tags=private.with_context(tags), run_name=f"{sweep} / {runtime}"
    )
    return run.info.run_id


def end_parents(client: mlflow.MlflowClient, sweep: str, status: str, but: str = "") -> None:
    """End the parents of a sweep that run, unless a launch of it lives that is not `but`."""
    if set(launches.living(folder_of(sweep))) <= {but}:
        for parent in parents(client, sweep, f" and attributes.status = '{OPEN}'"):
            client.set_terminated(parent.info.run_id, status)


def parents(client: mlflow.MlflowClient, sweep: str, more: str) -> list[Run]:
    """Return the parents of a sweep for which more is true."""
    named = f"tags.role = 'parent' and tags.sweep = '{sweep}'"
    return list(client.search_runs([experiment_of(client, sweep)], named + more))


def folder_of(sweep: str) -> Path:
    """Return the folder of a sweep."""
    return ROOT / "runs" / sweep
