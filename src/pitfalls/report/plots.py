"""The report: verdicts become a page, Markdown tables and the data of the plots.

Git holds the tables and the data of the plots with each release, so that
`dvc plots diff` finds both sides: numbers are written with five digits.
"""

import csv
import io
from pathlib import Path
from typing import Any

from pitfalls.errors import ResultError
from pitfalls.report import tables
from pitfalls.report.page import write_page
from pitfalls.results import read_json, readable_results, write_text

LEGEND = """\
`claimed` is the closed form with its tolerance of four standard errors; a dagger marks a race, whose claim
follows from the share of rows that were measured broken. `measured` is the loss of the final window, averaged over
the seeds; `over seeds` is from the lowest to the highest. `effect`: **clean**, there is no bug; **bites**, the loss shows it;
**masked**, it is in the data and not in the loss; **repaired**, the framework hides it."""


def write_report(runs: Path, reports: Path) -> None:
    """Write reports/index.html, reports/matrix.md and the data of `dvc plots` from the verdicts.

    Args:
        runs: The folder of all sweeps, for the loss of each epoch.
        reports: The folder that holds verdicts.json; everything is written there.

    Raises:
        ResultError: verdicts.json is missing or damaged.
    """
    verdicts = read_json(reports / "verdicts.json")
    if not verdicts.get("cells") and not verdicts.get("listings"):
        raise ResultError(f"{reports / 'verdicts.json'} holds no verdict.\nRun `dvc repro verify` first.")
    write_text(reports / "matrix.md", matrix_page(verdicts))
    write_text(reports / "plots" / "loss.csv", as_csv(loss_rows(runs)))
    write_text(reports / "plots" / "claims.csv", as_csv(claim_rows(verdicts)))
    write_page(runs, reports)


def matrix_page(verdicts: dict[str, Any]) -> str:
    """Return the report as Markdown: what failed first, then the matrix, then the article."""
    failed = tables.failures(verdicts)
    parts = [
        "# What was measured, and what was claimed",
        tables.summary(verdicts),
        *(["## What failed", "\n".join(f"- {line}" for line in failed)] if failed else []),
        "## The matrix",
        LEGEND,
        tables.matrix_markdown(verdicts),
        "## The article's listings, and ours",
        tables.listings_markdown(verdicts),
    ]
    return "\n\n".join(parts) + "\n"


def loss_rows(runs: Path) -> list[dict[str, Any]]:
    """Return the loss of each epoch of each run of the matrix, a mean over seeds for each cell."""
    seen: dict[tuple[str, str, str, int], list[float]] = {}
    for result in readable_results(runs, "matrix"):
        cell = result["cell"]
        for epoch, loss in enumerate(result["loss"], start=1):
            key = (cell["runtime"], cell["generator"], cell["model"], epoch)
            seen.setdefault(key, []).append(loss)
    return [
        {
            "runtime": runtime,
            "generator": generator,
            "model": model,
            "epoch": epoch,
            "loss": rounded(sum(v) / len(v)),
        }
        for (runtime, generator, model, epoch), v in seen.items()
    ]


def claim_rows(verdicts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return claimed against measured loss, one row a cell."""
    return [
        {
            **entry["cell"],
            "claimed": rounded(entry["claim"]["loss"]),
            "measured": rounded(entry["measured"]),
            "effect": entry["effect"],
            "verdict": entry["verdict"],
        }
        for entry in verdicts["cells"]
    ]


def rounded(loss: float) -> float:
    """Return a loss with five digits, more than a plot shows."""
    return float(f"{loss:.5g}")


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
