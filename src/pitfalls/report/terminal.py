"""The terminal: verdicts as tables, in colour where a terminal is, as plain text elsewhere."""

import os
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from pitfalls.project import AXES
from pitfalls.report.tables import HEADERS, LISTING_HEADERS, Row, cell_row, listing_row
from pitfalls.report.words import claims_that_hold, failures, reasons, summary, swept_text
from pitfalls.verdicts.records import CellVerdict, Verdicts

NEVER_WRAPPED = (*AXES, "effect", "verdict")
"""Columns that lose nothing to a narrow terminal as long as another can."""

PIPE_COLUMNS = 200
"""Where no terminal is, a table would be cut to 80 columns: it may be as wide as it needs."""


def console(stderr: bool = False) -> Console:
    """Return a console that writes escape sequences to a terminal only, and none where NO_COLOR is set."""
    is_plain = False if os.environ.get("NO_COLOR") else None
    screen = Console(stderr=stderr, highlight=False, force_terminal=is_plain)
    if not screen.file.isatty():
        screen.width = PIPE_COLUMNS
    return screen


def print_verdicts(verdicts: Verdicts) -> None:
    """Print the cells and listings as tables, then what failed and why, then the count."""
    screen = console()
    cells = [cell_row(entry) for entry in verdicts.cells]
    listings = [listing_row(entry) for entry in verdicts.listings]
    for headers, rows in ((HEADERS, cells), (LISTING_HEADERS, listings)):
        if rows:
            print_table(screen, headers, rows)
            screen.print()
    print_failures(screen, failures(verdicts))
    screen.print(summary(verdicts))


def print_sweep(entries: Sequence[CellVerdict]) -> None:
    """Print the cells of one sweep, over their seeds, and how many of their claims hold."""
    headers = ("swept", *HEADERS)
    left_out = {
        *(() if any(entry.swept for entry in entries) else ("swept",)),
        *(() if any(len(entry.seeds) > 1 for entry in entries) else ("over seeds",)),
    }
    shown = [at for at, header in enumerate(headers) if header not in left_out]
    rows = [[swept_text(entry.swept), *cell_row(entry.with_changes(swept=""))] for entry in entries]
    screen = console()
    screen.print()
    print_table(screen, [headers[at] for at in shown], [[row[at] for at in shown] for row in rows])
    print_failures(screen, [line for entry in entries for line in reasons(entry)])
    screen.print(f"{claims_that_hold(entries)} of {len(entries)} claims hold.")


def print_table(screen: Console, headers: Sequence[str], rows: Sequence[Row]) -> None:
    """Print rows that end in a verdict; those that failed stand out."""
    table = Table(box=None, pad_edge=False)
    for header in headers:
        # Two names that are cut short would read alike: in a narrow terminal they go on below.
        table.add_column(header, overflow="fold", no_wrap=header in NEVER_WRAPPED)
    for row in rows:
        table.add_row(*row, style="bold red" if row[-1] == "fail" else None)
    screen.print(table)


def print_failures(screen: Console, lines: Sequence[str]) -> None:
    """Print what did not hold, a line each."""
    for line in lines:
        screen.print(line, style="red", markup=False)
