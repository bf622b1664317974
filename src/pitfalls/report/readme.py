"""The README's generated lines, written by `make release` from the verdicts that it releases."""

import re

from pitfalls.report.tables import matrix_counts
from pitfalls.report.words import summary
from pitfalls.verdicts.effects import EFFECTS
from pitfalls.verdicts.records import Verdicts

BEGIN, END = "<!-- results: written by make release -->", "<!-- end of results -->"


def results(verdicts: Verdicts) -> str:
    """Return how many claims hold, and in how many cells each effect was measured."""
    counts = matrix_counts(verdicts.cells)
    *others, last = [how_many(effect, counts[f"cells_{effect}"]) for effect in EFFECTS]
    effects = f"Of {counts['cells']} cells, {', '.join(others)} and {last}."
    return f"**{summary(verdicts)}** {effects}"


def how_many(effect: str, cells: float) -> str:
    """Say how many cells have an effect: `30 bite`, `16 are clean`."""
    return f"{cells} bite" if effect == "bites" else f"{cells} are {effect}"


def with_results(readme: str, verdicts: Verdicts) -> str:
    """Return the README with its results written anew."""
    section = f"{BEGIN}\n{results(verdicts)}\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: section, readme, flags=re.DOTALL)
