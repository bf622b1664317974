"""Tables of verdicts: for a terminal, for Markdown, and as counts."""

import os
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from tabulate import tabulate

HEADERS = ("runtime", "generator", "model", "claimed", "measured", "over seeds", "effect", "verdict")
LISTING_HEADERS = ("listing", "cell", "the article printed", "we measured", "claimed", "effect", "verdict")
NAMES = ("runtime", "generator", "model", "effect", "verdict")
"""Columns that lose nothing to a narrow terminal as long as another can."""

PIPE_COLUMNS = 200
"""Where no terminal is, a table would be cut to 80 columns: it may be as wide as it needs."""


def console(stderr: bool = False) -> Console:
    """Return a console that writes escape sequences to a terminal only, and none where NO_COLOR is set."""
    made = Console(
        stderr=stderr, highlight=False, force_terminal=False if os.environ.get("NO_COLOR") else None
    )
    if not made.file.isatty():
        made.width = PIPE_COLUMNS
    return made


def number(value: float) -> str:
    """Print a loss with four digits, and a loss that is all but zero as it is."""
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def claim_text(claim: dict[str, Any]) -> str:
    """Print a claim with its tolerance; a dagger marks one that follows a race's measured q."""
    dagger = " †" if claim["kind"] == "race" else ""
    return f"{number(claim['loss'])} ± {claim['tolerance']:.2g}{dagger}"


def cell_row(entry: dict[str, Any]) -> list[str]:
    """Return a cell as a row under `HEADERS`."""
    low, high = entry["interval"]
    return [
        *(entry["cell"][axis] for axis in ("runtime", "generator")),
        " ".join([entry["cell"]["model"], entry.get("swept", "")]).strip(),
        claim_text(entry["claim"]),
        number(entry["measured"]),
        f"{number(low)} to {number(high)}",
        entry["effect"],
        entry["verdict"],
    ]


def listing_row(entry: dict[str, Any]) -> list[str]:
    """Return one of the article's listings as a row under `LISTING_HEADERS`."""
    if entry["claim"]["kind"] == "probe":
        cell, measured, claimed = "probe", fits_text(entry["measured"]), fits_text(entry["claim"]["fits"])
    else:
        cell = " / ".join(entry["cell"].values())
        measured, claimed = losses_text(entry["loss"]), claim_text(entry["claim"])
    return [
        f"L{entry['listing']}",
        cell,
        entry["printed"],
        measured,
        claimed,
        entry["effect"],
        entry["verdict"],
    ]


def fits_text(fits: list[bool]) -> str:
    """Say which of two labels fit their inputs."""
    if all(fits):
        return "both labels fit their inputs"
    return "only the second label fits its inputs" if fits[1] else "a label does not fit its inputs"


def losses_text(losses: list[float]) -> str:
    """Print a run's losses by epoch: the first three of a short run, the last three of a long one."""
    if len(losses) <= 5:
        return ", ".join(number(loss) for loss in losses) + f" in epochs 1 to {len(losses)}"
    shown = ", ".join(f"{loss:.2f}" for loss in losses[-3:])
    return f"{shown} in epochs {len(losses) - 2} to {len(losses)}"


def counts(verdicts: dict[str, Any]) -> dict[str, Any]:
    """Return how many claims hold, by runtime and in all, for `dvc metrics show`.

    Two numbers tell budgets apart: the worst miss, in tolerances (a claim fails beyond 1), and the widest tolerance.
    """
    by_runtime: dict[str, dict[str, int]] = {}
    for entry in verdicts["cells"]:
        seen = by_runtime.setdefault(entry["cell"]["runtime"], {"cells": 0, "claims_that_hold": 0})
        seen["cells"] += 1
        seen["claims_that_hold"] += entry["verdict"] == "pass"
    listings = verdicts["listings"]
    return {
        "matrix": {
            "cells": len(verdicts["cells"]),
            "claims_that_hold": sum(entry["verdict"] == "pass" for entry in verdicts["cells"]),
            **{
                f"cells_{effect}": sum(entry["effect"] == effect for entry in verdicts["cells"])
                for effect in ("clean", "bites", "masked", "repaired")
            },
            "worst_miss": rounded(max((miss(entry) for entry in verdicts["cells"]), default=0.0)),
            "widest_tolerance": rounded(
                max((entry["claim"]["tolerance"] for entry in verdicts["cells"]), default=0.0)
            ),
        },
        "article": {
            "listings": len(listings),
            "claims_that_hold": sum(entry["verdict"] == "pass" for entry in listings),
        },
        "runtimes": by_runtime,
        "damaged_results": len(verdicts["damaged"]),
        "missing_results": len(verdicts.get("missing", [])),
    }


def miss(entry: dict[str, Any]) -> float:
    """Return how far a cell's loss is from its claim, in tolerances."""
    apart = abs(entry["measured"] - entry["claim"]["loss"])
    return apart / (entry["claim"]["tolerance"] or 1)


def rounded(value: float) -> float:
    """Return a number with three digits."""
    return float(f"{value:.3g}")


def all_hold(verdicts: dict[str, Any]) -> bool:
    """Tell whether every claim holds, and every result is there and could be read."""
    entries = verdicts["cells"] + verdicts["listings"]
    return not (verdicts["damaged"] or verdicts.get("missing")) and all(
        entry["verdict"] == "pass" for entry in entries
    )


def matrix_markdown(verdicts: dict[str, Any]) -> str:
    """Return the cells as a Markdown table."""
    return markdown(HEADERS, [cell_row(entry) for entry in verdicts["cells"]])


def listings_markdown(verdicts: dict[str, Any]) -> str:
    """Return the article's listings beside ours as a Markdown table."""
    return markdown(LISTING_HEADERS, [listing_row(entry) for entry in verdicts["listings"]])


def markdown(headers: tuple[str, ...], rows: list[list[str]]) -> str:
    """Return a Markdown table whose numbers stay as they were printed."""
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def summary(verdicts: dict[str, Any]) -> str:
    """Say in one line how many claims hold."""
    counted = counts(verdicts)
    parts = [
        f"{part['claims_that_hold']} of {part[name]} {name} hold"
        for part, name in ((counted["matrix"], "cells"), (counted["article"], "listings"))
    ]
    wanting = [f"{counted[f'{kind}_results']} {kind}" for kind in ("damaged", "missing")]
    return ", ".join([*parts, *(words for words in wanting if not words.startswith("0"))]) + "."


def print_verdicts(verdicts: dict[str, Any]) -> None:
    """Print the cells and listings as tables, then what failed and why, then the count."""
    screen = console()
    for headers, rows in (
        (HEADERS, [cell_row(entry) for entry in verdicts["cells"]]),
        (LISTING_HEADERS, [listing_row(entry) for entry in verdicts["listings"]]),
    ):
        if rows:
            print_table(screen, headers, rows)
            screen.print()
    for line in failures(verdicts):
        screen.print(line, style="red", markup=False)
    screen.print(summary(verdicts))


def print_table(screen: Console, headers: Iterable[str], rows: list[list[str]]) -> None:
    """Print rows that end in a verdict; those that failed stand out."""
    table = Table(box=None, pad_edge=False)
    for header in headers:
        # Two names that are cut short would read alike: in a narrow terminal they go on below.
        table.add_column(header, overflow="fold", no_wrap=header in NAMES)
    for row in rows:
        table.add_row(*row, style="bold red" if row[-1] == "fail" else None)
    screen.print(table)


def print_sweep(entries: list[tuple[str, dict[str, Any]]]) -> None:
    """Print the cells of one sweep, over their seeds, and how many of their claims hold.

    Args:
        entries: For each cell what was swept besides its axes, and its entry as in verdicts.json.
    """
    headers = ("swept", *HEADERS)
    left_out = {
        *(() if any(apart for apart, _ in entries) else ("swept",)),
        *(() if any(len(entry["seeds"]) > 1 for _, entry in entries) else ("over seeds",)),
    }
    shown = [at for at, header in enumerate(headers) if header not in left_out]
    rows = [[apart, *cell_row(entry)] for apart, entry in entries]
    screen = console()
    screen.print()
    print_table(screen, [headers[at] for at in shown], [[row[at] for at in shown] for row in rows])
    for _, entry in entries:
        for reason in entry["reasons"]:
            screen.print(f"{' / '.join(entry['cell'].values())}: {reason}", style="red", markup=False)
    held = sum(entry["verdict"] == "pass" for _, entry in entries)
    screen.print(f"{held} of {len(entries)} claims hold.")


def failures(verdicts: dict[str, Any]) -> list[str]:
    """Return a line for each thing that did not hold."""
    lines = [
        f"{' / '.join(entry['cell'].values())}: {reason}"
        for entry in [*verdicts["cells"], *verdicts["listings"]]
        for reason in entry.get("reasons", [])
    ]
    lines += [
        f"L{entry['listing']}: {fits_text(entry['measured'])}"
        for entry in verdicts["listings"]
        if entry["claim"]["kind"] == "probe" and entry["verdict"] == "fail"
    ]
    lost = [f"{name} was not trained, or not probed: dvc repro" for name in verdicts.get("missing", [])]
    return lines + verdicts["damaged"] + lost
