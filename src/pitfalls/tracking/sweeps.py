"""Launches: a sweep, whose runs hang under parents and are closed by what became of them, and a run alone."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pitfalls.config.schema import Config, Tracking
from pitfalls.errors import TrackingError
from pitfalls.project import ROOT, SeededCell
from pitfalls.runs.launches import launched
from pitfalls.tracking import private
from pitfalls.tracking.contents import tags_of
from pitfalls.tracking.parents import OPEN, end_parents, folder_of, open_parents
from pitfalls.tracking.reconcile import close_runs, reconcile
from pitfalls.tracking.runs import TrackedRun, create_run, fail, tracked_run
from pitfalls.tracking.store import client_for, experiment_of, tracking_errors
from pitfalls.verdicts import guard
from pitfalls.verdicts.guard import GuardReport


@dataclass
class TrackedSweep:
    """One launch of a sweep in MLflow: its runs' parents, and whether a run failed."""

    tracking: Tracking
    sweep: str
    launch: str
    parents: dict[str, str]
    has_failed: bool = False

    def overrides_of(self, cell: SeededCell) -> list[str]:
        """Return the overrides that hang a run under its parent."""
        return [f"tracking.parent_run_id={self.parents[cell.runtime]}", f"tracking.launch={self.launch}"]

    def fail(self, config: Config, cell: SeededCell, folder: Path, why: str) -> None:
        """Say in the store that a run failed, if its process died before it could.

        A store that does not answer is not waited for: `close` says so.
        """
        self.has_failed = True
        with suppress(TrackingError):
            self._fail(config, cell, folder, why)

    def _fail(self, config: Config, cell: SeededCell, folder: Path, why: str) -> None:
        """Say it.

        Raises:
            TrackingError: The store does not answer.
        """
        own = replace(self.tracking, launch=self.launch, parent_run_id=self.parents[cell.runtime])
        tags = tags_of(replace(config, tracking=own), cell, folder)
        client = client_for(self.tracking)
        with tracking_errors(self.tracking.uri):
            wanted = f"tags.launch = '{self.launch}' and tags.folder = '{tags['folder']}'"
            runs = client.search_runs([experiment_of(client, self.sweep)], wanted)
            if any(run.info.status == "FAILED" for run in runs):
                return
            begun = [run.info.run_id for run in runs if run.info.status == OPEN]
            run_id = (
                begun[0] if begun else create_run(client, self.sweep, str(cell), private.with_context(tags))
            )
            fail(client, run_id, why, folder)

    def close(self, status: str) -> None:
        """End what is open, and send what has not arrived.

        Raises:
            TrackingError: The store does not answer.
        """
        client = client_for(self.tracking)
        with tracking_errors(self.tracking.uri):
            close_runs(client, self.sweep, self.launch)
            reconcile(self.tracking, self.sweep, guard_report())
            end_parents(client, self.sweep, status, self.launch)


@contextmanager
def tracked_sweep(tracking: Tracking, sweep: str, runtimes: list[str]) -> Iterator[TrackedSweep]:
    """Open a parent for each runtime of a sweep, and close it by what became of its runs.

    Args:
        tracking: The store.
        sweep: The sweep's name.
        runtimes: Those of the runs that will be launched.

    Raises:
        TrackingError: The store does not answer.
    """
    reconcile(tracking, sweep, guard_report())
    client = client_for(tracking)
    with launched(folder_of(sweep), tracking.uri) as launch:
        with tracking_errors(tracking.uri):
            parents = open_parents(client, sweep, runtimes)
        tracked = TrackedSweep(tracking, sweep, launch, parents)
        try:
            yield tracked
        except BaseException:
            with suppress(TrackingError):  # the next launch closes what is open
                tracked.close("KILLED")
            raise
        tracked.close("FAILED" if tracked.has_failed else "FINISHED")


@contextmanager
def tracked_alone(config: Config, cell: SeededCell, folder: Path) -> Iterator[TrackedRun]:
    """Track a run that no sweep launched, as a launch of its own.

    Raises:
        TrackingError: The store does not answer.
    """
    reconcile(config.tracking, config.sweep, guard_report())
    with launched(folder_of(config.sweep), config.tracking.uri) as launch:
        config.tracking.launch = launch
        with tracked_run(config, cell, folder) as tracked:
            yield tracked


def guard_report() -> GuardReport:
    """Return what the guard found, for runs that are sent again."""
    return GuardReport.read_or_empty(ROOT / "reports" / guard.PLACE)
