"""Layout: tables and labelled lines for a screen of some width; a line ends between words, never inside one."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

GAP = "  "

Row = Sequence[str]


@dataclass(frozen=True)
class Line:
    """A line of a table: its row, -1 for the headers, and the texts in it, each with its column's number."""

    row: int
    pieces: list[tuple[int, str]]
    indent: str = ""


def table(
    headers: Row, rows: Sequence[Row], groups: Sequence[int], columns: float, texts: Sequence[int] = ()
) -> Iterator[Line]:
    """Yield a table's lines: one a row if the screen is wide enough, else as many as a row needs.

    Args:
        headers: The columns' names.
        rows: The texts in each column.
        groups: How many columns belong together, without those of `texts`: a row goes on below with the next group.
        columns: The screen's width.
        texts: Columns that hold sentences: where a row needs more than a line they stand below it, each with its name.
    """
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    is_wide = line_width(widths) <= columns
    below = [] if is_wide else list(texts)
    shown = [at for at in range(len(widths)) if at not in below]
    lines = [shown] if is_wide else fitting(shown, widths, groups, columns)
    for number, row in enumerate([headers, *rows], start=-1):
        for line, placed in enumerate(lines):
            pieces = [(at, row[at].ljust(widths[at])) for at in placed]
            yield Line(number, pieces, GAP if line else "")
        for at in below if number >= 0 else []:
            width = max(len(headers[other]) for other in below)
            text = labelled(headers[at], row[at], columns - len(GAP), width)
            yield Line(number, [(at, textwrap.indent(text, GAP))])


def fitting(
    shown: Sequence[int], widths: Sequence[int], groups: Sequence[int], columns: float
) -> list[list[int]]:
    """Distribute columns over as few lines as the screen needs, in their order; a group begins a line."""
    starts = {shown[at] for at in [0, *accumulate(groups)][:-1]}
    lines: list[list[int]] = []
    for column in shown:
        room = columns - len(GAP) * (len(lines) > 1)
        if column in starts or line_width([widths[at] for at in [*lines[-1], column]]) > room:
            lines.append([])
        lines[-1].append(column)
    return lines


def line_width(widths: Sequence[int]) -> int:
    """Return the width of a line of columns."""
    return sum(widths) + len(GAP) * (len(widths) - 1)


def labelled(label: str, text: str, columns: float, width: int = 6) -> str:
    """Return a text behind its label, on as many lines as the screen needs, all of them behind the label."""
    if columns >= width + len(GAP) + len(text):
        return f"{label:<{width}}{GAP}{text}"
    return textwrap.fill(
        text,
        int(columns),
        initial_indent=f"{label:<{width}}{GAP}",
        subsequent_indent=" " * width + GAP,
        break_long_words=False,
        break_on_hyphens=False,
    )
