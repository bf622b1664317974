"""Tables: verdicts as rows, as Markdown, and as counts for `dvc metrics`."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from pitfalls.project import AXES
from pitfalls.report.layout import Row
from pitfalls.report.words import (
    claim_text,
    claims_that_hold,
    digits,
    fits_text,
    interval_text,
    losses_text,
    number,
    unclaimed,
)
from pitfalls.verdicts.effects import EFFECTS
from pitfalls.verdicts.records import CellVerdict, ProbedListing, TrainedListing, Verdicts

HEADERS = (*AXES, "claimed", "measured", "over seeds", "effect", "verdict")
LISTING_HEADERS = ("listing", "cell", "the article printed", "we measured", "claimed", "effect", "verdict")


def cell_row(entry: CellVerdict) -> Row:
    """Return a cell as a row under `HEADERS`."""
    return [
        entry.cell.runtime,
        entry.cell.generator,
        " ".join([entry.cell.model, entry.swept]).strip(),
        claim_text(entry.claim),
        number(entry.measured),
        interval_text(entry.interval),
        entry.effect,
        entry.verdict,
    ]


def listing_row(entry: TrainedListing | ProbedListing) -> Row:
    """Return one of the article's listings as a row under `LISTING_HEADERS`."""
    if isinstance(entry, ProbedListing):
        texts = ["probe", entry.printed, fits_text(entry.measured), fits_text(entry.claim.fits)]
    else:
        texts = [str(entry.cell), entry.printed, losses_text(entry.loss), claim_text(entry.claim)]
    return [f"L{entry.listing}", *texts, entry.effect, entry.verdict]


def counts(verdicts: Verdicts) -> dict[str, Any]:
    """Return how many claims hold, by runtime and in all, for `dvc metrics show`."""
    lottery = {"lottery": tally("runs", verdicts.lottery)} if verdicts.lottery else {}
    return {
        "matrix": matrix_counts(verdicts.cells),
        "article": tally("listings", verdicts.listings),
        **lottery,
        "runtimes": {
            runtime: tally("cells", [entry for entry in verdicts.cells if entry.cell.runtime == runtime])
            for runtime in dict.fromkeys(entry.cell.runtime for entry in verdicts.cells)
        },
        "damaged_results": len(verdicts.damaged),
        "missing_results": len(verdicts.missing),
    }


def tally(name: str, entries: Sequence[CellVerdict | ProbedListing]) -> dict[str, int]:
    """Count entries, and those whose claim holds; those of which nothing is claimed apart, if there are any."""
    nothing = unclaimed(entries)
    apart = {"unclaimed": nothing} if nothing else {}
    return {name: len(entries), "claims_that_hold": claims_that_hold(entries), **apart}


def matrix_counts(cells: Sequence[CellVerdict]) -> dict[str, float]:
    """Count the cells by effect.

    Two numbers tell budgets apart: the worst miss, in tolerances (a claim fails beyond 1), and the widest tolerance.
    """
    misses = [abs(entry.miss) for entry in cells]
    tolerances = [entry.claim.tolerance for entry in cells if entry.claim]
    return {
        **tally("cells", cells),
        **{f"cells_{effect}": sum(entry.effect == effect for entry in cells) for effect in sorted(EFFECTS)},
        "worst_miss": digits(max(misses, default=0.0), 3),
        "widest_tolerance": digits(max(tolerances, default=0.0), 3),
    }


def matrix_markdown(verdicts: Verdicts) -> str:
    """Return the cells as a Markdown table."""
    return markdown(HEADERS, [cell_row(entry) for entry in verdicts.cells])


def listings_markdown(verdicts: Verdicts) -> str:
    """Return the article's listings beside ours as a Markdown table."""
    return markdown(LISTING_HEADERS, [listing_row(entry) for entry in verdicts.listings])


def markdown(headers: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a Markdown table whose numbers stay as they were printed."""
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)
