"""A sweep: its runs hang under one parent for each runtime, which is found again by its tags."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.entities import RunStatus

from pitfalls.config.schema import Config
from pitfalls.project import SeededCell
from pitfalls.tracking.contents import tags_of
from pitfalls.tracking.runs import create_run
from pitfalls.tracking.store import NAME, NOTE, PARENT_RUN, client_for, experiment_of, tracking_errors


@contextmanager
def tracked_sweep(jobs: list[tuple[Config, SeededCell]]) -> Iterator[list[list[str]]]:
    """Open a parent for each runtime of a sweep, and close it by what became of its runs.

    Args:
        jobs: Configuration and cell of each run that will be launched.

    Yields:
        For each job the overrides that hang its run under its parent.

    Raises:
        TrackingError: The store cannot be opened.
    """
    tracking = jobs[0][0].tracking
    client = client_for(tracking)
    launch = uuid.uuid4().hex
    with tracking_errors(tracking.uri):
        parents = {cell.runtime: parent_run(client, config, cell.runtime) for config, cell in jobs}
    try:
        yield [
            [f"tracking.parent_run_id={parents[cell.runtime]}", f"tracking.launch={launch}"]
            for _, cell in jobs
        ]
    finally:
        with tracking_errors(tracking.uri):
            close_sweep(client, jobs, parents, launch)


def parent_run(client: mlflow.MlflowClient, config: Config, runtime: str) -> str:
    """Return the parent run of a sweep and runtime: the one that is there, or a new one."""
    experiment = experiment_of(client, config.sweep)
    found = client.search_runs(
        [experiment],
        f"tags.role = 'parent' and tags.sweep = '{config.sweep}' and tags.runtime = '{runtime}'",
        max_results=1,
    )
    if found:
        client.update_run(found[0].info.run_id, status="RUNNING")
        return found[0].info.run_id
    tags = {"role": "parent", "sweep": config.sweep, "runtime": runtime, "mlflow.source.name": "src/train.py"}
    return create_run(client, config, f"{config.sweep} / {runtime}", tags)


def close_sweep(
    client: mlflow.MlflowClient, jobs: list[tuple[Config, SeededCell]], parents: dict[str, str], launch: str
) -> None:
    """End every run of a launch, also those whose job died, and then their parents."""
    experiment = experiment_of(client, jobs[0][0].sweep)
    runs = client.search_runs([experiment], f"tags.launch = '{launch}'", max_results=50_000)
    left = Counter(run.data.tags[NAME] for run in runs)
    failed = {run.data.tags[PARENT_RUN] for run in runs if run.info.status != "FINISHED"}
    for run in runs:
        if not RunStatus.is_terminated(RunStatus.from_string(run.info.status)):
            fail(
                client,
                run.info.run_id,
                "its process ended without an error message: it was killed, or ran out of memory",
            )
    for config, cell in jobs:
        if left[str(cell)]:
            left[str(cell)] -= 1
            continue
        tags = tags_of(config, cell) | {PARENT_RUN: parents[cell.runtime], "launch": launch}
        fail(client, create_run(client, config, str(cell), tags), "its process ended before the run began")
        failed.add(parents[cell.runtime])
    for parent in parents.values():
        client.set_terminated(parent, "FAILED" if parent in failed else "FINISHED")


def fail(client: mlflow.MlflowClient, run_id: str, why: str) -> None:
    """End a run as FAILED and say why."""
    client.set_tag(run_id, "error", why)
    client.set_tag(run_id, NOTE, f"**Failed:** {why}.")
    client.set_terminated(run_id, "FAILED")
