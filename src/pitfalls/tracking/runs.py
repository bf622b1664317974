"""One run: opened when the training starts, filled when it is over, tagged again when it is judged again."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow.entities import DatasetInput
from mlflow.exceptions import MlflowException

from pitfalls.config.schema import Config, Tracking
from pitfalls.project import SeededCell
from pitfalls.results import Probe, Result, Verdict
from pitfalls.tracking import private
from pitfalls.tracking.contents import (
    GUARD_TABLE,
    Saveable,
    dataset_of,
    guard_table,
    metrics_of,
    params_of,
    tags_of,
    verdict_tags,
    write_artifacts,
)
from pitfalls.tracking.store import NOTE, client_for, experiment_of, tracking_errors
from pitfalls.verdicts.guard import GuardReport


class TrackedRun:
    """One run in MLflow: opened when the training starts, filled when it is over."""

    def __init__(self, config: Config, run: SeededCell) -> None:
        """Open the run.

        Raises:
            TrackingError: The store cannot be opened.
        """
        self._uri = config.tracking.uri
        self._client = client_for(config.tracking)
        with tracking_errors(self._uri):
            self.run_id = create_run(self._client, config, str(run), tags_of(config, run))

    def log(self, config: Config, result: Result, verdict: Verdict, probe: Probe, model: Saveable) -> None:
        """Log all that a finished run measured.

        Args:
            config: What it was told.
            result: Its measurements.
            verdict: What verification says of them.
            probe: Two yields of its generator, held together.
            model: What it trained.

        Raises:
            TrackingError: The store does not answer.
        """
        with tracking_errors(self._uri), tempfile.TemporaryDirectory() as folder:
            self._client.log_batch(
                self.run_id,
                metrics=metrics_of(result, verdict),
                params=params_of(config, result),
                tags=verdict_tags(result, verdict),
            )
            log_dataset(self._client, self.run_id, dataset_of(result, probe))
            write_artifacts(Path(folder), config, result, verdict, probe, model)
            self._client.log_artifacts(self.run_id, folder)

    def end(self, status: str, error: BaseException | None = None) -> None:
        """End the run, with its error if there was one."""
        with tracking_errors(self._uri):
            if error is not None:
                text = f"{type(error).__name__}: {error}"
                self._client.set_tag(self.run_id, "error", text[:5000])
                self._client.set_tag(self.run_id, NOTE, f"**Failed.** {text[:2000]}")
            self._client.set_terminated(self.run_id, status)


def log_dataset(client: mlflow.MlflowClient, run_id: str, dataset: DatasetInput) -> None:
    """Log what a run was trained on, which runs of one generator and seed share.

    MLflow looks whether the dataset is known and then inserts it. Of two processes that do
    so at once the second is refused, and finds it when it asks again.

    Raises:
        MlflowException: The store does not answer.
    """
    try:
        client.log_inputs(run_id, datasets=[dataset])
    except MlflowException:
        client.log_inputs(run_id, datasets=[dataset])


@contextmanager
def tracked_run(config: Config, run: SeededCell) -> Iterator[TrackedRun]:
    """Track what happens inside as one run; an error inside marks it FAILED and is raised again.

    Under `mlflow run` the project's own run says which run holds the training.

    Raises:
        TrackingError: The store cannot be opened, or does not answer at the end.
    """
    tracked = TrackedRun(config, run)
    link_project_run(config.tracking.uri, tracked.run_id)
    try:
        yield tracked
    except BaseException as error:
        tracked.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", error)
        raise
    tracked.end("FINISHED")


def create_run(client: mlflow.MlflowClient, config: Config, name: str, tags: dict[str, str]) -> str:
    """Create a run in its sweep's experiment and return its id."""
    experiment = experiment_of(client, config.sweep)
    run = client.create_run(experiment, tags=private.with_context(tags), run_name=name)
    return run.info.run_id


def retag(tracking: Tracking, judged: list[tuple[Result, Verdict]], guard: GuardReport) -> None:
    """Put new verdicts, and what the guard found, on the runs of results that were tracked.

    Args:
        tracking: Where they are tracked.
        judged: Result and verdict of each run; what was not tracked is left alone.
        guard: What the guard found on each cell.

    Raises:
        TrackingError: The store cannot be opened.
    """
    client = client_for(tracking)
    for result, verdict in judged:
        if result.mlflow_run_id is None:
            continue
        findings = guard.on_cell(result.cell.cell)
        try:
            client.log_batch(result.mlflow_run_id, tags=verdict_tags(result, verdict))
            if findings is not None:
                client.log_dict(result.mlflow_run_id, guard_table(findings), GUARD_TABLE)
        except MlflowException:
            continue  # The run was deleted in MLflow, or this is a newer store: there is nothing to tag.


def link_project_run(uri: str, run_id: str) -> None:
    """Under `mlflow run`, say on the project's own run which run holds the training."""
    project_run = os.environ.get("MLFLOW_RUN_ID")
    if project_run:
        with tracking_errors(uri):
            client = mlflow.MlflowClient(tracking_uri=uri)
            client.set_tag(project_run, NOTE, f"The training is tracked as run `{run_id}`.")
