"""Track: every store is made equal to runs/, whatever became of it: emptied, deleted, restored, or away for a while."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pitfalls.config.schema import Tracking
from pitfalls.errors import ResultError, TrackingError
from pitfalls.project import ROOT
from pitfalls.report.progress import counting_bar
from pitfalls.report.words import counted
from pitfalls.runs import launches
from pitfalls.runs.folder import run_folders, tracked_as
from pitfalls.startup import quick_imports
from pitfalls.verdicts import guard
from pitfalls.verdicts.guard import GuardReport

if TYPE_CHECKING:
    from pitfalls.tracking import Reconciled

CHAMPION = ROOT / "reports" / "champion.json"


def track() -> int:
    """Compare every result with its store, send what is missing, and say what was done.

    Returns:
        How many results cannot be sent.

    Raises:
        TrackingError: A store does not answer; all the others were looked at.
    """
    with quick_imports():
        from pitfalls.tracking import Reconciled, reconcile

    report, total = GuardReport.read_or_empty(ROOT / "reports" / guard.PLACE), Reconciled()
    silent: dict[str, TrackingError] = {}
    for sweep, tracking in stores_of_sweeps(ROOT / "runs"):
        if tracking.uri in silent:
            continue
        try:
            with counting_bar(sweep) as on_sent:
                total += reconcile(tracking, sweep, report, is_thorough=True, on_sent=on_sent)
        except TrackingError as error:
            silent[tracking.uri] = error
    say_what_was_done(total)
    if silent:
        raise TrackingError("\n".join(str(error) for error in silent.values()))
    return len(total.left)


def say_what_was_done(total: "Reconciled") -> None:
    """Print what was sent, what cannot be, and what to do next."""
    print(
        f"{counted(total.sent, 'result')} sent, {counted(total.renewed, 'verdict')} renewed, "
        f"{counted(total.closed, 'open run')} closed."
    )
    for why in total.left:
        print(f"not sent: {why}")
    if total.sent and CHAMPION.exists():
        print("A store that was lost has lost its registry too: dvc repro --force --single-item promote")


def stores_of_sweeps(runs: Path) -> Iterator[tuple[str, Tracking]]:
    """Yield each sweep with each store that results, or launches that died, are tracked in."""
    for folder in sorted(path for path in runs.glob("*") if path.is_dir()):
        stores: dict[str, Tracking] = {
            uri: Tracking(enabled=True, uri=uri) for uri in launches.stores_of_launches(folder).values()
        }
        for place in run_folders(runs, folder.name):
            with suppress(ResultError):  # its sweep names it and trains it again
                if tracked := tracked_as(place):
                    stores[tracked.store.uri] = tracked.store
        for tracking in stores.values():
            yield folder.name, tracking
