"""The README's results, written by `make release` from the verdicts that it releases."""

import re
from collections import defaultdict

from pitfalls.report.tables import listings_markdown, markdown
from pitfalls.report.words import number, summary
from pitfalls.verdicts.records import CellVerdict, Verdicts

BEGIN, END = "<!-- results: written by make release -->", "<!-- end of results -->"


def results(verdicts: Verdicts) -> str:
    """Return the README's results: the matrix in short, and the article's listings."""
    return "\n\n".join([summary(verdicts), short_matrix(verdicts.cells), listings_markdown(verdicts)])


def short_matrix(cells: list[CellVerdict]) -> str:
    """Return the matrix with a row for each runtime and generator, and a column for each model."""
    models = list(dict.fromkeys(entry.cell.model for entry in cells))
    texts: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for entry in cells:
        texts[entry.cell.runtime, entry.cell.generator][entry.cell.model] = short_text(entry)
    rows = [[*names, *(row.get(model, "") for model in models)] for names, row in texts.items()]
    return markdown(("runtime", "generator", *models), rows)


def short_text(entry: CellVerdict) -> str:
    """Print a cell's loss and effect, and whether its claim failed."""
    return f"{number(entry.measured)} {entry.effect}{'' if entry.holds else ', **claim failed**'}"


def with_results(readme: str, verdicts: Verdicts) -> str:
    """Return the README with its results written anew."""
    section = f"{BEGIN}\n\n{results(verdicts)}\n\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: section, readme, flags=re.DOTALL)
