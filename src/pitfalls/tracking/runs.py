"""One run: opened when the training starts, sent from its folder when it is over, tagged again when it is judged again."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mlflow
from mlflow.entities import DatasetInput
from mlflow.exceptions import MlflowException

from pitfalls.config.schema import Config
from pitfalls.errors import TrackingError, one_line
from pitfalls.project import SeededCell
from pitfalls.results import Result, Verdict
from pitfalls.runs.folder import (
    ERROR,
    RESULT,
    TRACKING,
    VERDICT,
    Kept,
    Saveable,
    TrackedAs,
    place_below_project,
    tracked_as,
)
from pitfalls.tracking import private
from pitfalls.tracking.contents import (
    GUARD_TABLE,
    dataset_of,
    guard_table,
    metrics_of,
    params_of,
    tags_of,
    verdict_tags,
    write_artifacts,
)
from pitfalls.tracking.servers import note_away, was_away
from pitfalls.tracking.store import NOTE, client_for, experiment_of, tracking_errors
from pitfalls.verdicts.guard import GuardReport

NOTHING_FOUND = GuardReport.read_or_empty(Path("nowhere"))
"""What the guard says of a run that has just been trained: it has not been asked."""


class TrackedRun:
    """One run in MLflow, while it is trained."""

    def __init__(self, config: Config, run: SeededCell, folder: Path) -> None:
        """Open the run.

        A run of a sweep trains also while the store is away: it is sent when somebody reconciles.

        Raises:
            TrackingError: The store cannot be opened, for a run that is trained alone.
        """
        self._tracking, self._folder = config.tracking, folder
        self._is_part = bool(config.tracking.parent_run_id)
        self._tags = private.with_context(tags_of(config, run, folder))
        self.run_id: str | None = None
        if self.may_ask:
            with self.errors():
                client = client_for(config.tracking)
                self.run_id = create_run(client, config.sweep, str(run), self._tags)

    @property
    def may_ask(self) -> bool:
        """Whether the store is to be asked: of a sweep that found it away a moment ago no run waits for it again."""
        return not (self._is_part and was_away(self._tracking.uri))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn errors of the store into a message, and pass over them in a sweep, which looks itself at its end."""
        try:
            with tracking_errors(self._tracking.uri):
                yield
        except TrackingError:
            note_away(self._tracking.uri)
            if not self._is_part:
                raise

    def keep(self, kept: Kept, model: Saveable) -> None:
        """Write what a result needs beside it to be tracked, before the result itself is written.

        Args:
            kept: What was measured, and by what.
            model: What was trained.
        """
        finished_ms = int(time.time() * 1000)
        kept.write_inputs(model)
        TrackedAs.by(self._tracking, self._tags, self.run_id, finished_ms).write(self._folder / TRACKING)

    def send(self) -> None:
        """Log all that the run's folder holds.

        Raises:
            TrackingError: The store does not answer; what is missing is sent when somebody reconciles.
        """
        if self.run_id and self.may_ask:
            with self.errors():
                send(client_for(self._tracking), Kept.read(self._folder), NOTHING_FOUND)

    def end(self, error: BaseException) -> None:
        """End the run without a result: as KILLED if it was stopped, else as FAILED."""
        if not self.run_id:
            return
        with (
            suppress(TrackingError),
            tracking_errors(self._tracking.uri),
        ):  # what must be known is the error itself
            client = client_for(self._tracking)
            if isinstance(error, KeyboardInterrupt):
                stop(client, self.run_id)
            else:
                fail(client, self.run_id, one_line(error.__cause__ or error), self._folder)


def send(client: mlflow.MlflowClient, kept: Kept, guard: GuardReport) -> None:
    """Log a finished run from its folder, and end it; whatever is there already stays as it is.

    Args:
        client: A client of its store.
        kept: What its folder holds, with tracking.json that names its run.
        guard: What the guard found.

    Raises:
        MlflowException: The store does not answer.
    """
    tracked = tracked_as(kept.folder)
    assert tracked is not None and tracked.mlflow_run_id is not None, "the run is opened before it is sent"
    run_id, result, verdict = tracked.mlflow_run_id, kept.result, kept.verdict
    with tempfile.TemporaryDirectory() as folder:
        client.log_batch(
            run_id,
            metrics=metrics_of(result, verdict, tracked.finished_ms),
            params=params_of(kept.config, result),
            tags=verdict_tags(result, verdict),
        )
        log_dataset(client, run_id, dataset_of(result, kept.probe))
        write_artifacts(Path(folder), kept)
        client.log_artifacts(run_id, folder)
        if verdict.guard is not None:
            log_findings(client, run_id, result, guard)
    client.set_terminated(run_id, "FINISHED", tracked.finished_ms)
    tracked.with_changes(is_sent=True).write(kept.folder / TRACKING)


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
def tracked_run(config: Config, run: SeededCell, folder: Path) -> Iterator[TrackedRun]:
    """Track what happens inside as one run; an error inside ends it and is raised again.

    Under `mlflow run` the project's own run says which run holds the training.

    Raises:
        TrackingError: The store cannot be opened, or does not answer at the end.
    """
    tracked = TrackedRun(config, run, folder)
    if tracked.run_id:
        link_project_run(config.tracking.uri, tracked.run_id)
    try:
        yield tracked
    except BaseException as error:
        tracked.end(error)
        raise
    tracked.send()


def create_run(
    client: mlflow.MlflowClient, sweep: str, name: str, tags: dict[str, str], started_ms: int | None = None
) -> str:
    """Create a run in its sweep's experiment and return its id."""
    experiment = experiment_of(client, sweep)
    run = client.create_run(experiment, start_time=started_ms, tags=tags, run_name=name)
    return run.info.run_id


def stop(client: mlflow.MlflowClient, run_id: str) -> None:
    """End a run as KILLED: it was stopped, which says nothing of it."""
    client.set_tag(run_id, NOTE, "**Stopped** before it had finished. The same command trains it.")
    client.set_terminated(run_id, "KILLED")


def fail(client: mlflow.MlflowClient, run_id: str, why: str, folder: Path) -> None:
    """End a run as FAILED: why in one line, and error.txt of its folder as an artifact."""
    place = f"{place_below_project(folder)}/{ERROR}"
    client.set_tag(run_id, "error", why[:5000])
    client.set_tag(
        run_id, NOTE, f"**Failed.** {why[:2000]}\n\nThe traceback is in `{place}`, and among the artifacts."
    )
    if (folder / ERROR).exists():
        client.log_artifact(run_id, str(folder / ERROR))
    client.set_terminated(run_id, "FAILED")


def retag(folders: list[Path], guard: GuardReport) -> None:
    """Put new verdicts, and what the guard found, on the runs of results that were tracked.

    Args:
        folders: The folder of each run, with its new verdict.
        guard: What the guard found on each cell.

    Raises:
        TrackingError: A store cannot be opened; what did not reach it is sent when somebody reconciles.
    """
    tracked = {folder: at for folder in folders if (at := tracked_as(folder)) and at.mlflow_run_id}
    for folder, at in tracked.items():
        at.with_changes(is_sent=False).write(folder / TRACKING)
    for folder, at in tracked.items():
        client = client_for(at.store)
        with tracking_errors(at.store.uri):
            if status_of(client, at.mlflow_run_id) == "FINISHED":
                retag_run(client, str(at.mlflow_run_id), folder, guard)
                at.write(folder / TRACKING)


def status_of(client: mlflow.MlflowClient, run_id: str | None) -> str | None:
    """Return the status of a run, ``deleted`` if it was deleted, None if the store has none such.

    Raises:
        MlflowException: The store does not answer.
    """
    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return "deleted" if run.info.lifecycle_stage == "deleted" else str(run.info.status)


def retag_run(client: mlflow.MlflowClient, run_id: str, folder: Path, guard: GuardReport) -> None:
    """Put the verdict of a run's folder on the run.

    Raises:
        MlflowException: The store does not answer, or has no such run.
        ResultError: The folder's result or verdict is damaged.
    """
    result, verdict = Result.read(folder / RESULT), Verdict.read(folder / VERDICT)
    client.log_batch(run_id, tags=verdict_tags(result, verdict))
    if verdict.guard is not None:
        log_findings(client, run_id, result, guard)


def log_findings(client: mlflow.MlflowClient, run_id: str, result: Result, guard: GuardReport) -> None:
    """Log what the guard found on a run's cell as a table."""
    client.log_dict(run_id, guard_table(guard.on_cell(result.cell.cell) or []), GUARD_TABLE)


def link_project_run(uri: str, run_id: str) -> None:
    """Under `mlflow run`, say on the project's own run which run holds the training."""
    project_run = os.environ.get("MLFLOW_RUN_ID")
    if project_run:
        with tracking_errors(uri):
            client = mlflow.MlflowClient(tracking_uri=uri)
            client.set_tag(project_run, NOTE, f"The training is tracked as run `{run_id}`.")
