"""The data of `dvc plots`: losses by epoch, and claimed against measured, as CSV.

Git holds them with each release, so that `dvc plots diff` finds both sides: numbers are
written with five digits.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pitfalls.files import write_text
from pitfalls.project import Cell
from pitfalls.report.words import digits
from pitfalls.results import Result
from pitfalls.verdicts.records import Verdicts

DIGITS = 5
"""More than a plot shows."""

Row = dict[str, str | float]


def write_plots(verdicts: Verdicts, results: Iterable[Result], reports: Path) -> None:
    """Write reports/plots/.

    Args:
        verdicts: For what was claimed.
        results: Those of the matrix, for the loss of each epoch.
        reports: The folder to write to.
    """
    write_text(reports / "plots" / "loss.csv", as_csv(loss_rows(results)))
    write_text(reports / "plots" / "claims.csv", as_csv(claim_rows(verdicts)))


def loss_rows(results: Iterable[Result]) -> list[Row]:
    """Return the loss of each epoch of each cell, a mean over its seeds."""
    losses: dict[tuple[Cell, int], list[float]] = defaultdict(list)
    for result in results:
        for epoch, loss in enumerate(result.loss, start=1):
            losses[result.cell.cell, epoch].append(loss)
    return [
        {**cell.options, "epoch": epoch, "loss": digits(sum(seeds) / len(seeds), DIGITS)}
        for (cell, epoch), seeds in losses.items()
    ]


def claim_rows(verdicts: Verdicts) -> list[Row]:
    """Return claimed against measured loss, one row a cell."""
    return [
        {
            **entry.cell.options,
            "claimed": digits(entry.claimed_loss, DIGITS),
            "measured": digits(entry.measured, DIGITS),
            "effect": entry.effect,
            "verdict": entry.verdict,
        }
        for entry in verdicts.cells
    ]


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
