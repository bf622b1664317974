"""Cells and listings: the verdicts on a sweep's runs, gathered over their seeds.

A cell is judged twice: each of its runs by its own claim, and the mean over its seeds by the
tolerance of that mean, which is smaller. So three seeds that are all a little off in one
direction fail where one of them would not.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum, hypot, sqrt
from pathlib import Path

from pitfalls.claims.article import LOSSES_OF_LISTING_1, PRINTED, PROBE_FITS
from pitfalls.files import json_text
from pitfalls.project import place_of
from pitfalls.results import Claim, Probe, Result, Verdict, Word
from pitfalls.verdicts.records import CellVerdict, ProbeClaim, ProbedListing, Ticket, TrainedListing
from pitfalls.verdicts.run import STANDARD_ERRORS, mechanism_of, miss, rounding


@dataclass(frozen=True)
class Judged:
    """A run's result and its verdict, where they stand, and what was swept besides the axes."""

    result: Result
    verdict: Verdict
    folder: Path | None = None

    @property
    def swept(self) -> str:
        """The folders `@key=value` of the run."""
        return " ".join(part for part in self.folder.parts if part.startswith("@")) if self.folder else ""


def gather(judged: Iterable[Judged]) -> list[CellVerdict]:
    """Return one entry a cell and settings, over its seeds, in the order of params.yaml."""
    cells: dict[tuple[object, ...], list[Judged]] = defaultdict(list)
    place = place_of()
    for run in sorted(judged, key=lambda run: place(run.result.cell)):
        settings = json_text([run.result.task.as_json(), run.result.training.as_json()])
        cells[(run.result.cell.cell, run.swept, settings)].append(run)
    return [entry(runs) for runs in cells.values()]


def entry(runs: list[Judged]) -> CellVerdict:
    """Return the verdict on one cell, over its seeds."""
    runs = sorted(runs, key=lambda run: run.result.cell.seed)
    results, verdicts = [run.result for run in runs], [run.verdict for run in runs]
    losses = [result.final_loss for result in results]
    claims = [verdict.claim for verdict in verdicts if verdict.claim]
    claim = claim_of_mean(claims, results[0].task.high) if len(claims) == len(runs) else None
    reasons = [f"seed {run.result.cell.seed}: {reason}" for run in runs for reason in run.verdict.reasons] + (
        failures_of_mean(mean(losses), claim, len(runs)) if claim else []
    )
    return CellVerdict(
        cell=results[0].cell.cell,
        claim=claim,
        measured=mean(losses),
        interval=(min(losses), max(losses)),
        broken_rows=mean([result.broken_rows for result in results]),
        seeds=[result.cell.seed for result in results],
        effect=" or ".join(sorted({verdict.effect for verdict in verdicts})),
        bugs=bugs_of(results[0]),
        guard=verdicts[0].guard,
        swept=runs[0].swept,
        verdict=verdict_of(verdicts, claim, reasons),
        reasons=reasons,
    )


def bugs_of(result: Result) -> list[str]:
    """Return which of the two bugs a run's mechanism carries."""
    m = mechanism_of(result)
    carried = {"aliasing": m.has_aliasing, "broadcasting": m.has_rank_bug}
    return [bug for bug, is_there in carried.items() if is_there]


def verdict_of(verdicts: list[Verdict], claim: Claim | None, reasons: list[str]) -> Word:
    """Return the word for a cell: a seed that fails fails it; one without a claim leaves it without."""
    if claim is None and not any(verdict.verdict == "fail" for verdict in verdicts):
        return "unclaimed"
    return "fail" if reasons else "pass"


def claim_of_mean(claims: list[Claim], high: int) -> Claim:
    """Return the claim on the mean over seeds.

    Its standard error is that of a mean of independent runs, sqrt(sum of squares) / n, and
    what all runs' claims share, which no further seed makes smaller: the twin's own error.
    A race's claim follows each run's own q, so claims are averaged too.
    """
    run_error = sqrt(fsum(claim.run_error**2 for claim in claims)) / len(claims)
    shared_error = max(claim.shared_error for claim in claims)
    return claims[0].with_changes(
        loss=mean([claim.loss for claim in claims]),
        tolerance=STANDARD_ERRORS * hypot(run_error, shared_error) + rounding(high),
        run_error=run_error,
        shared_error=shared_error,
    )


def failures_of_mean(measured: float, claim: Claim, seeds: int) -> list[str]:
    """Return what does not hold of the mean over several seeds."""
    if seeds == 1 or claim.holds(measured):
        return []
    return [f"mean of {seeds} seeds: {miss(measured, claim)}"]


def mean(values: list[float]) -> float:
    """Return the mean of a list of numbers."""
    return fsum(values) / len(values)


def gather_listings(
    judged: Iterable[Judged], probes: Iterable[Probe]
) -> list[TrainedListing | ProbedListing]:
    """Return the article's listings in order: what it printed, what was measured, claim, effect and verdict."""
    listings = [trained_listing(run) for run in judged if run.result.listing]
    return sorted([*listings, *map(judge_probe, probes)], key=lambda listing: listing.listing)


def trained_listing(run: Judged) -> TrainedListing:
    """Return the verdict on a listing that trains."""
    result, listing = run.result, run.result.listing
    assert listing is not None
    return TrainedListing(
        **dict(entry([run])),
        listing=listing,
        printed=PRINTED.get(listing, ""),
        printed_losses=LOSSES_OF_LISTING_1 if listing == 1 else {},
        loss=result.loss,
        prediction=result.prediction,
        seconds=result.seconds,
    )


def judge_probe(probe: Probe) -> ProbedListing:
    """Return the verdict on a listing that holds two yields together."""
    assert probe.listing is not None
    must_fit = PROBE_FITS[probe.listing]
    fitting, wanted = (["fits" if fit else "does not" for fit in fits] for fits in (probe.fits, must_fit))
    reasons = (
        [] if fitting == wanted else [f"labels: {fitting[0]}, {fitting[1]}, where {wanted[0]}, {wanted[1]}"]
    )
    return ProbedListing(
        listing=probe.listing,
        printed=PRINTED.get(probe.listing, ""),
        claim=ProbeClaim(fits=must_fit),
        measured=probe.fits,
        effect="clean" if all(probe.fits) else "bites",
        verdict="fail" if reasons else "pass",
        reasons=reasons,
    )


def gather_lottery(judged: Iterable[Judged]) -> list[Ticket]:
    """Return the verdicts on the lottery's runs: by runtime, what was swept in numbers' order, and seed."""
    tickets = [
        Ticket(
            **dict(entry([run])),
            offset_bytes=offset,
            hand_over=run.result.mechanism.hand_over,
            waits=run.result.mechanism.waits,
            load=run.result.load,
            seconds_per_step=run.result.seconds.per_step,
        )
        for run in judged
        if (offset := run.result.buffer_address_mod_64.inputs) is not None
    ]
    place = place_of()
    return sorted(tickets, key=lambda t: (place(t.cell), t.offset_bytes, t.load or 0, t.swept, t.seeds))
