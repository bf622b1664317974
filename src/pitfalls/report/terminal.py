"""The terminal: verdicts as counts and tables, in colour where a terminal is, as plain text elsewhere."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pitfalls.errors import printable
from pitfalls.project import ROOT
from pitfalls.report.layout import GAP, Line, Row, labelled, table
from pitfalls.report.tables import HEADERS, LISTING_HEADERS, cell_row, listing_row
from pitfalls.report.words import (
    counted,
    failures,
    holding,
    losses_text,
    reasons,
    summary,
    swept_text,
)
from pitfalls.results import Result, Verdict
from pitfalls.verdicts.effects import EFFECTS, worst_of
from pitfalls.verdicts.everything import closed_forms_of
from pitfalls.verdicts.records import CellVerdict, Verdicts
from pitfalls.verdicts.words import explained, loss_text, number

COLOURS = {
    "bites": "yellow",
    "rare": "bright_yellow",
    "masked": "magenta",
    "repaired": "cyan",
    "clean": "dim",
}
"""Near the page's own, out of those that every terminal has."""

FAILED = "bold red"

RACE = (
    "† A race: the share of mismatched rows is measured, and the claim is the loss that this share implies."
)


def console(stderr: bool = False) -> Console:
    """Return a console that writes escape sequences to a terminal only, and none where NO_COLOR is set."""
    is_plain = False if os.environ.get("NO_COLOR") else None
    return Console(stderr=stderr, highlight=False, force_terminal=is_plain)


def columns_of(screen: Console) -> float:
    """Return how wide a line may be: as it needs where no terminal is."""
    return screen.width if screen.file.isatty() else float("inf")


def print_counts(verdicts: Verdicts) -> None:
    """Print what failed and why, how many cells show which effect, and how many claims hold."""
    screen = console()
    print_failures(screen, failures(verdicts))
    if verdicts.cells:
        print_line(screen, effects_counted(verdicts.cells))
    print_line(screen, summary(verdicts))


def effects_counted(cells: Sequence[CellVerdict]) -> Text:
    """Say how many cells show which effect, each in its colour."""
    found = Counter(worst_of(entry.effect) for entry in cells)
    parts = [
        Text.assemble((effect, COLOURS[effect]), f" in {found[effect]}")
        for effect in EFFECTS
        if found[effect]
    ]
    return Text.assemble(f"{counted(len(cells), 'cell')}: ", Text(", ").join(parts), ".")


def print_verdicts(verdicts: Verdicts) -> None:
    """Print the cells and listings as tables, then what failed and why, then the count."""
    screen = console()
    if verdicts.cells:
        print_table(screen, HEADERS, [cell_row(entry) for entry in verdicts.cells], (3, 5))
        screen.print()
    if verdicts.listings:
        listings = [listing_row(entry) for entry in verdicts.listings]
        print_table(screen, LISTING_HEADERS, listings, (4,), texts=(2, 3, 4))
        screen.print()
    print_failures(screen, failures(verdicts))
    print_line(screen, summary(verdicts))


def print_sweep(entries: Sequence[CellVerdict]) -> None:
    """Print the cells of one sweep, over their seeds, and how many of their claims hold."""
    headers = ("swept", *HEADERS)
    left_out = {
        *(() if any(entry.swept for entry in entries) else ("swept",)),
        *(() if any(len(entry.seeds) > 1 for entry in entries) else ("over seeds",)),
    }
    shown = [at for at, header in enumerate(headers) if header not in left_out]
    rows = [[swept_text(entry.swept), *cell_row(entry.with_changes(swept=""))] for entry in entries]
    names = sum(at < headers.index("claimed") for at in shown)
    screen = console()
    screen.print()
    print_table(
        screen,
        [headers[at] for at in shown],
        [[row[at] for at in shown] for row in rows],
        (names, len(shown) - names),
    )
    print_failures(screen, [line for entry in entries for line in reasons(entry)])
    print_line(screen, f"{holding(entries, 'claim')}.")


def print_run(result: Result, verdict: Verdict, folder: Path) -> None:
    """Say what a run measured, what was claimed, and why."""
    screen = console()
    print_line(screen, run_line(result, verdict, columns_of(screen)))
    claim, answer = verdict.claim, result.prediction
    lines = [
        ("epochs", losses_text(result.loss)),
        ("claim", f"{loss_text(claim)}; closed form {claim.formula}" if claim else "none"),
    ]
    if claim and (letters := explained(claim.formula, closed_forms_of(result.task))):
        lines.append(("where", letters))
    if answer:
        pair = " and ".join(map(str, answer.inputs))
        lines.append(("answer", f"{number(answer.value)} for {pair}, whose mean is {answer.label:g}"))
    lines += [("why", claim.reason)] if claim else []
    lines += [("warned", text) for text in result.warnings]
    for label, text in lines:
        print_line(screen, labelled(label, text, columns_of(screen)))
    for reason in verdict.reasons:
        line = labelled("failed" if claim else "why", reason, columns_of(screen))
        print_line(screen, Text(line, FAILED if claim else ""))
    path = f"{folder.relative_to(ROOT)}/result.json"
    is_short = len(path) + 8 <= columns_of(screen)
    screen.print("files", path, sep="   " if is_short else "\n", markup=False, soft_wrap=True)


def run_line(result: Result, verdict: Verdict, columns: float, before: str = "") -> Text:
    """Return a run's loss, effect, verdict and time, and its name, below them where a line cannot hold both."""
    seconds = f"{result.seconds.total:.1f} s"
    line = Text.assemble(
        f"{before}loss {number(result.final_loss):<8} ",
        (f"{verdict.effect:<8}", style_of("effect", verdict.effect)),
        " ",
        (verdict.verdict, style_of("verdict", verdict.verdict)),
        f" {seconds:>7}",
    )
    name = f"  {result.cell}"
    return line.append(name if len(line) + len(name) <= columns else f"\n{name}")


def print_table(
    screen: Console, headers: Row, rows: Sequence[Row], groups: Sequence[int], texts: Sequence[int] = ()
) -> None:
    """Print rows that end in a verdict, effect and verdict in colour; those that failed stand out."""
    for line in table(headers, rows, groups, columns_of(screen), texts):
        style = "bold" if line.row < 0 else FAILED if rows[line.row][-1] == "fail" else ""
        print_line(screen, styled(line, headers, style))
    if any("†" in text for row in rows for text in row):
        print_line(screen, RACE)


def styled(line: Line, headers: Row, style: str) -> Text:
    """Return a line of a table in a style; without one, its effect and its verdict in their own."""
    pieces = [(text, style or style_of(headers[at], text.strip())) for at, text in line.pieces]
    text = Text(GAP).join(Text(text, style) for text, style in pieces)
    text.rstrip()
    return Text(line.indent).append_text(text)


def style_of(header: str, text: str) -> str:
    """Return the style of a text in a column; none but those of effects and verdicts have one."""
    if header == "effect":
        return COLOURS[worst_of(text)]
    return {"pass": "green", "fail": FAILED}.get(text, "") if header == "verdict" else ""


def print_failures(screen: Console, lines: Sequence[str]) -> None:
    """Print what did not hold, a line each."""
    for line in lines:
        print_line(screen, Text(line, "red"))


def print_line(screen: Console, line: str | Text) -> None:
    """Print a line, between words on several where a terminal is too narrow for it."""
    plain = line.plain if isinstance(line, Text) else line
    shown = line if printable(plain) == plain else printable(plain)
    screen.print(shown, markup=False, soft_wrap=not screen.file.isatty())
