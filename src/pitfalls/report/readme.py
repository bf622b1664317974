"""The README's generated lines, written by `make release` from the verdicts that it releases."""

import re

from pitfalls.report.tables import matrix_counts
from pitfalls.report.words import summary
from pitfalls.verdicts.records import Verdicts

BEGIN, END = "<!-- results: written by make release -->", "<!-- end of results -->"


def results(verdicts: Verdicts) -> str:
    """Return how many claims hold, and in how many cells each effect was measured."""
    counts = matrix_counts(verdicts.cells)
    effects = (
        f"Of {counts['cells']} cells, {counts['cells_bites']} bite, {counts['cells_masked']} are masked, "
        f"{counts['cells_repaired']} are repaired and {counts['cells_clean']} are clean."
    )
    return f"**{summary(verdicts)}** {effects}"


def with_results(readme: str, verdicts: Verdicts) -> str:
    """Return the README with its results written anew."""
    section = f"{BEGIN}\n{results(verdicts)}\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: section, readme, flags=re.DOTALL)
