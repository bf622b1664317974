"""reports/matrix.md: every verdict in Markdown, as Git holds it with each release."""

from pitfalls.report.lottery import HEADERS, hand_overs
from pitfalls.report.tables import listings_markdown, markdown, matrix_markdown
from pitfalls.report.words import failures, not_run_texts, summary
from pitfalls.verdicts.effects import EFFECTS
from pitfalls.verdicts.records import Verdicts

LEGEND = """\
`claimed` is the loss that the closed form gives, with a tolerance of four standard errors. A dagger marks a race:
the share of mismatched rows is measured, and the claim is the loss that this share implies. `measured` is the loss
of the last steps, averaged over the seeds. `over seeds` is the range from the lowest seed to the highest. `effect`
is what became of the bug:

"""


def matrix_page(verdicts: Verdicts) -> str:
    """Return the report as Markdown: what failed first, then the matrix, then the article."""
    failed = failures(verdicts)
    parts = [
        "# What was measured, and what was claimed",
        summary(verdicts),
        *(["## What failed", "\n".join(f"- {line}" for line in failed)] if failed else []),
        *not_run_texts(verdicts),
        "## The matrix",
        LEGEND + "\n".join(f"- **{name}**: {effect.meaning}" for name, effect in EFFECTS.items()),
        matrix_markdown(verdicts),
        "## The article's listings, and ours",
        listings_markdown(verdicts),
        *lottery_parts(verdicts),
    ]
    return "\n\n".join(parts) + "\n"


def lottery_parts(verdicts: Verdicts) -> list[str]:
    """Return what cures JAX's alignment lottery as a section, nothing if it was not run."""
    ways = hand_overs(verdicts.lottery)
    about = (
        "The share of broken rows of `jax_loop` with a float32 buffer `x` at a multiple of 64 bytes, by what is called on it "
        "and by what is waited for before it is refilled."
    )
    table = markdown(HEADERS, [way.texts for way in ways])
    return ["## The alignment lottery in JAX", about, table] if ways else []
