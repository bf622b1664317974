"""Reconcile: what stands in runs/ is the truth, and the store is made equal to it, once, however often that is asked for.

At a start and an end it looks at what is known to be open: launches that died, results that were not
sent, and whether the store still has the result that was sent last. If it has not, and for
`python src/track.py`, every result is compared with the store.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
from mlflow.entities import Run, ViewType

from pitfalls.config.schema import Tracking
from pitfalls.errors import ResultError
from pitfalls.project import ROOT
from pitfalls.results import Result, Verdict
from pitfalls.runs import launches
from pitfalls.runs.folder import LOCK, RESULT, TRACKING, VERDICT, Kept, TrackedAs, run_folders, tracked_as
from pitfalls.runs.locks import lock_if_free
from pitfalls.tracking.contents import verdict_tags
from pitfalls.tracking.parents import OPEN, end_parents, folder_of, open_parents
from pitfalls.tracking.runs import create_run, retag_run, send, status_of, stop
from pitfalls.tracking.store import PARENT_RUN, client_for, experiment_of, tracking_errors
from pitfalls.verdicts.guard import GuardReport

MOST_RUNS = 50_000
"""MLflow's own limit for one answer."""


@dataclass
class Reconciled:
    """What was done to a store: runs closed, results sent, verdicts renewed; what cannot be sent, and why."""

    closed: int = 0
    sent: int = 0
    renewed: int = 0
    left: list[str] = field(default_factory=list)

    def __add__(self, other: "Reconciled") -> "Reconciled":
        """Return what was done to two."""
        return Reconciled(
            self.closed + other.closed,
            self.sent + other.sent,
            self.renewed + other.renewed,
            self.left + other.left,
        )


def reconcile(
    tracking: Tracking,
    sweep: str,
    guard: GuardReport,
    is_thorough: bool = False,
    on_sent: Callable[[int, int], None] = lambda done, of: None,
) -> Reconciled:
    """Close what dead launches of a sweep left open, and send its results that the store lacks.

    Args:
        tracking: The store.
        sweep: A sweep's name.
        guard: What the guard found.
        is_thorough: Whether each result is compared with the store. Else those are sent that are known
            not to have arrived, unless the store lacks the one that arrived last.
        on_sent: Told how many of how many results were sent.

    Raises:
        TrackingError: The store does not answer.
    """
    client, done = client_for(tracking), Reconciled()
    with tracking_errors(tracking.uri):
        close_dead(client, tracking, sweep, done)
        tracked = dict(tracked_there(tracking, sweep))
        arrived = [at for at in tracked.values() if at.is_sent]
        last = max(arrived, key=lambda at: at.finished_ms, default=None)
        if is_thorough or (last and status_of(client, last.mlflow_run_id) is None):
            lacking = compare(client, sweep, tracked, guard, done)
        else:
            lacking = [folder for folder, at in tracked.items() if not at.is_sent]
        begun = Begun(client, sweep)
        for at, folder in enumerate(lacking):
            send_again(begun, folder, guard, done)
            on_sent(at + 1, len(lacking))
        if done.sent or done.closed:
            end_parents(client, sweep, "FINISHED" if done.sent else "KILLED")
    return done


def close_dead(client: mlflow.MlflowClient, tracking: Tracking, sweep: str, done: Reconciled) -> None:
    """End what launches that died without a word left open in a store."""
    folder = folder_of(sweep)
    for launch in launches.dead(folder, tracking.uri):
        done.closed += close_runs(client, sweep, launch)
        launches.forget(folder, launch)
        end_parents(client, sweep, "KILLED")


def close_runs(client: mlflow.MlflowClient, sweep: str, launch: str) -> int:
    """End the open runs of a launch as KILLED, delete those that are there twice, and return how many were open."""
    wanted = f"tags.launch = '{launch}' and attributes.status = '{OPEN}'"
    runs = client.search_runs([experiment_of(client, sweep)], wanted, max_results=MOST_RUNS)
    for run in runs:
        if is_double(run, launch):
            client.delete_run(run.info.run_id)
        else:
            stop(client, run.info.run_id)
    return len(runs)


def is_double(run: Run, launch: str) -> bool:
    """Tell whether the result of a launch is tracked as another run than this one.

    A server that is killed between a run's creation and its answer is asked again, and creates a second one.
    """
    with suppress(ResultError):
        tracked = tracked_as(ROOT / run.data.tags.get("folder", ""))
        return bool(
            tracked
            and tracked.tags.get("launch") == launch
            and tracked.mlflow_run_id not in (None, run.info.run_id)
        )
    return False


class Begun:
    """What launches of a sweep began in a store: runs, whether they were told so or not, and parents; asked for once."""

    def __init__(self, client: mlflow.MlflowClient, sweep: str) -> None:
        """Take a client of the store; nothing is asked yet."""
        self.client, self.sweep = client, sweep
        self._of_launch: dict[str, dict[str, str]] = {}
        self._parents: dict[str, str] = {}

    def parent_of(self, runtime: str) -> str:
        """Return the id of a runtime's parent, which runs.

        Raises:
            MlflowException: The store does not answer.
        """
        if runtime not in self._parents:
            self._parents |= open_parents(self.client, self.sweep, [runtime])
        return self._parents[runtime]

    def find(self, tags: dict[str, str]) -> str | None:
        """Return the id of the run that has the launch and the folder of these tags, asking once a launch.

        Raises:
            MlflowException: The store does not answer.
        """
        launch, folder = tags.get("launch"), tags.get("folder", "")
        if not launch:
            return None
        if launch not in self._of_launch:
            self._of_launch[launch] = {}
            for run in runs_where(self.client, self.sweep, f"tags.launch = '{launch}'"):
                place = run.data.tags.get("folder", "")
                if self._of_launch[launch].setdefault(place, run.info.run_id) != run.info.run_id:
                    self.client.delete_run(run.info.run_id)  # see `is_double`
        return self._of_launch[launch].get(folder)


def tracked_there(tracking: Tracking, sweep: str) -> Iterator[tuple[Path, TrackedAs]]:
    """Yield the folder of each result of a sweep that is meant for a store, and as what it is tracked."""
    for folder in run_folders(ROOT / "runs", sweep):
        with suppress(ResultError):  # a damaged result is named and trained again by its sweep
            tracked = tracked_as(folder)
            if tracked and tracked.store.uri == tracking.uri:
                yield folder, tracked


def compare(
    client: mlflow.MlflowClient,
    sweep: str,
    tracked: dict[Path, TrackedAs],
    guard: GuardReport,
    done: Reconciled,
) -> list[Path]:
    """Put verdicts that changed on their runs, and return the folders whose results the store lacks."""
    runs = runs_of(client, sweep)
    lacking = []
    for folder, at in tracked.items():
        run = runs.get(at.mlflow_run_id or "")
        if run is None or not at.is_sent:
            lacking.append(folder)
        elif run.info.lifecycle_stage == "deleted":
            continue  # somebody did not want it
        elif run.info.status != "FINISHED":
            lacking.append(folder)
        elif has_other_verdict(run, folder):
            retag_run(client, run.info.run_id, folder, guard)
            done.renewed += 1
    return lacking


def runs_of(client: mlflow.MlflowClient, sweep: str) -> dict[str, Run]:
    """Return every run of a sweep by its id, also those that were deleted."""
    return {
        run.info.run_id: run for run in runs_where(client, sweep, f"tags.sweep = '{sweep}'", ViewType.ALL)
    }


def runs_where(
    client: mlflow.MlflowClient, sweep: str, wanted: str, view: int = ViewType.ACTIVE_ONLY
) -> Iterator[Run]:
    """Yield the runs of a sweep's experiment for which something is true."""
    token: str | None = ""
    while token is not None:
        page = client.search_runs(
            [experiment_of(client, sweep)], wanted, view, max_results=MOST_RUNS, page_token=token or None
        )
        yield from page
        token = page.token or None


def has_other_verdict(run: Run, folder: Path) -> bool:
    """Tell whether a run's tags say something else than the verdict in its folder."""
    try:
        result, verdict = Result.read(folder / RESULT), Verdict.read(folder / VERDICT)
    except ResultError:
        return False  # of an earlier version
    return any(run.data.tags.get(tag.key) != tag.value for tag in verdict_tags(result, verdict))


def send_again(begun: Begun, folder: Path, guard: GuardReport, done: Reconciled) -> None:
    """Send a result whose run is missing or not finished, unless somebody works on it."""
    with lock_if_free(folder / LOCK) as is_mine:
        if not is_mine:
            return
        try:
            kept, tracked = Kept.read(folder), tracked_as(folder)
        except ResultError as error:
            done.left.append(str(error))
            return
        if tracked is None:
            return
        client = begun.client
        status = status_of(client, tracked.mlflow_run_id)
        if status == "deleted" or (status == "FINISHED" and tracked.is_sent):
            tracked.with_changes(is_sent=True).write(folder / TRACKING)
            return  # somebody did not want it, or was quicker
        if status is None:
            run_id = (None if tracked.mlflow_run_id else begun.find(tracked.tags)) or create_again(
                begun, kept, tracked
            )
            tracked.with_changes(mlflow_run_id=run_id).write(folder / TRACKING)
        send(client, kept, guard)
        done.sent += 1


def create_again(begun: Begun, kept: Kept, tracked: TrackedAs) -> str:
    """Create the run of a result that has none, under its parent if it had one, with the times that it had."""
    tags, runtime = dict(tracked.tags), kept.result.cell.runtime
    if PARENT_RUN in tags:
        tags[PARENT_RUN] = begun.parent_of(runtime)
    started_ms = tracked.finished_ms - round(kept.result.seconds.total * 1000)
    return create_run(begun.client, begun.sweep, str(kept.result.cell), tags, started_ms)
