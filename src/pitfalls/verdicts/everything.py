"""Everything: all results on disk are read once and judged, as params.yaml asks for them.

Reads result.json, probe.json and guard.json, and nothing else. A result that cannot be
read, or that params.yaml lists and nobody trained, is a failure of its own.
"""

from dataclasses import dataclass
from pathlib import Path

from pitfalls.claims import closed_forms
from pitfalls.claims.article import PROBE_FITS
from pitfalls.errors import ResultError
from pitfalls.project import LOTTERY, Lot, SeededCell, listed_listings, listed_lots, listed_runs
from pitfalls.results import Probe, Result, Task, find_results
from pitfalls.verdicts.cells import Judged, gather, gather_listings, gather_lottery
from pitfalls.verdicts.guard import GuardReport
from pitfalls.verdicts.records import ClosedForms, Ticket, Verdicts
from pitfalls.verdicts.run import judge

ARTICLE_TASK = Task(high=100, batch_size=64)


def judge_sweep(runs: Path, sweep: str, guard: GuardReport) -> tuple[list[Judged], list[str]]:
    """Return the judged results of a sweep, and a message for each that cannot be read."""
    judged, damaged = [], []
    for path in find_results(runs, sweep):
        try:
            result = Result.read(path)
        except ResultError as error:
            damaged.append(str(error).replace(f"{runs.parent}/", ""))
        else:
            verdict = judge(result, guard.fired(result.cell.cell))
            judged.append(Judged(result, verdict, path.parent))
    return judged, damaged


def read_probes(runs: Path, sweep: str) -> tuple[list[Probe], list[str]]:
    """Return the probes of a sweep that belong to a listing, and a message for each that cannot be read."""
    probes, damaged = [], []
    for path in sorted((runs / sweep / "probe").glob("**/probe.json")):
        try:
            probes.append(Probe.read(path))
        except ResultError as error:
            damaged.append(str(error).replace(f"{runs.parent}/", ""))
    listed = [probe for probe in probes if probe.listing in PROBE_FITS]
    return sorted(listed, key=lambda probe: probe.listing or 0), damaged


@dataclass(frozen=True)
class Everything:
    """The verdicts on everything, and each tracked or untracked run with its own."""

    verdicts: Verdicts
    judged: list[Judged]


def judge_everything(
    runs: Path,
    matrix: str,
    article: str,
    guard: GuardReport,
    params: Path | None = None,
    not_run: dict[str, str] | None = None,
) -> Everything:
    """Judge the matrix, the article, its probes and, for the pipeline, the lottery.

    Args:
        runs: The folder of all sweeps.
        matrix: The sweep that holds the matrix.
        article: The sweep that holds the article.
        guard: What the guard found.
        params: The params.yaml that says which runs and listings there must be, and that what
            else lies there is left over; None takes the sweeps as they are.
        not_run: For each runtime that was not run here why.

    Raises:
        ResultError: There is no result at all.
    """
    cells, damaged_cells = judge_sweep(runs, matrix, guard)
    listings, damaged_listings = judge_sweep(runs, article, guard)
    probes, damaged_probes = read_probes(runs, article)
    tickets, damaged_tickets = judge_sweep(runs, LOTTERY, guard) if params else ([], [])
    damaged = damaged_cells + damaged_listings + damaged_probes + damaged_tickets
    if not (cells or listings or probes or damaged):
        raise ResultError(
            f"there is no result below {runs / matrix} or {runs / article}.\n"
            "Train first: `make reproduce`, or name another sweep with --matrix."
        )
    wanted = Wanted.by(params, set(not_run or ())) if params and params.exists() else None
    tickets_of_all = gather_lottery(tickets)
    verdicts = Verdicts(
        cells=gather(run for run in cells if wanted is None or run.result.cell in wanted.runs),
        listings=gather_listings(
            (run for run in listings if wanted is None or run.result.listing in wanted.listings), probes
        ),
        probes=probes,
        lottery=[ticket for ticket in tickets_of_all if wanted is None or ticket.lot in wanted.lots],
        closed_forms=closed_forms_of(cells[0].result.task if cells else ARTICLE_TASK),
        damaged=damaged,
        missing=wanted.missing_from(cells, listings, probes, tickets_of_all) if wanted else [],
        not_run=not_run or {},
    )
    return Everything(verdicts, [*cells, *listings, *tickets])


@dataclass(frozen=True)
class Wanted:
    """What params.yaml lists; what else lies in runs/ is left over from an earlier one."""

    runs: set[SeededCell]
    listings: set[int]
    lots: set[Lot]

    @classmethod
    def by(cls, params: Path, not_run: set[str]) -> "Wanted":
        """Read params.yaml, but for the runtimes that were not run here."""
        runs = {run for run in listed_runs(params) if run.runtime not in not_run}
        return cls(runs, listed_listings(params), listed_lots(params))

    def missing_from(
        self, cells: list[Judged], listings: list[Judged], probes: list[Probe], tickets: list[Ticket]
    ) -> list[str]:
        """Return what nobody trained or probed, by name."""
        runs = self.runs - {run.result.cell for run in cells}
        numbers = (
            self.listings - {run.result.listing for run in listings} - {probe.listing for probe in probes}
        )
        lots = self.lots - {ticket.lot for ticket in tickets}
        return [
            *sorted(map(str, runs)),
            *(f"listing {number}" for number in sorted(numbers)),
            *(f"lottery: {lot}" for lot in sorted(lots)),
        ]


def closed_forms_of(task: Task) -> ClosedForms:
    """Return the losses that the page names, for a task."""
    return ClosedForms(
        V=closed_forms.variance_of_mean(task.high),
        S=closed_forms.stale_lambda_loss(task.high),
        B=closed_forms.broadcast_lambda_loss(task.high, task.batch_size),
        C=closed_forms.trainable_loss(task.high, task.batch_size, 0, broadcasts=True),
        b=task.batch_size,
        constant=(task.high - 1) / 2,
    )
