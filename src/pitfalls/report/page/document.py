"""The document: what was gathered goes through the templates into one file that needs no other."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pitfalls.files import write_text
from pitfalls.project import PAIR, PAIR_MEAN
from pitfalls.report.lottery import WAITS, hand_overs, loads_in_words, lottery_in_words
from pitfalls.report.material import ARTICLE, Material
from pitfalls.report.page.answers import answers
from pitfalls.report.page.costs import costs
from pitfalls.report.page.curves import curves, seed_marks
from pitfalls.report.page.environment import buffer_addresses, environment
from pitfalls.report.page.figures import batch_labels, figures, listing_1_of, mean_square
from pitfalls.report.page.library import script, vendored_scripts
from pitfalls.report.page.listings import cards
from pitfalls.report.page.maps import groups, heat_maps
from pitfalls.report.page.queues import queues
from pitfalls.report.page.rules import rules_table
from pitfalls.report.page.stories import stories_of
from pitfalls.report.tables import HEADERS, cell_row, matrix_counts
from pitfalls.report.words import failures, losses_at_text, not_run_texts, number, share, summary
from pitfalls.verdicts.effects import EFFECTS, SCHEMES
from pitfalls.verdicts.words import explained

TEMPLATES = Path(__file__).parent / "templates"


def write_page(material: Material, reports: Path) -> Path:
    """Write reports/index.html.

    Args:
        material: What the page is made of.
        reports: The folder to write to.

    Returns:
        Where the page is.

    Raises:
        ConfigurationError: The folder cannot be written to.
    """
    path = reports / "index.html"
    write_text(path, render(material))
    return path


def render(material: Material) -> str:
    """Return the page as HTML."""
    templates = Environment(
        loader=PackageLoader("pitfalls.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"as_json": as_json, "breakable": breakable, "share": share}
    return templates.get_template("page.html").render(content(material))


def content(material: Material) -> dict[str, Any]:
    """Return all that the templates name."""
    verdicts, task, forms = material.verdicts, material.task, material.verdicts.closed_forms
    stories = stories_of(material)
    return {
        "style": Markup((TEMPLATES / "style.css").read_text()),
        "scripts": [*vendored_scripts(), script(TEMPLATES / "page.js")],
        "summary": summary(verdicts),
        "counts": matrix_counts(verdicts.cells),
        "failures": failures(verdicts),
        "not_run": not_run_texts(verdicts),
        "effects": EFFECTS,
        "schemes": SCHEMES,
        "article": ARTICLE,
        "task": task,
        "forms": forms,
        "explained": partial(explained, forms=forms),
        "pair": PAIR,
        "pair_mean": PAIR_MEAN,
        "seed_marks": seed_marks(material),
        "axes": material.axes,
        "answers": answers(material),
        "frameworks": material.frameworks,
        "groups": groups(material),
        "maps": heat_maps(stories, material),
        "stories": list(stories.values()),
        "headers": HEADERS,
        "rows": [cell_row(entry) for entry in verdicts.cells],
        "guard": rules_table(material),
        "listings": cards(verdicts),
        "listing_1": listing_1_of(verdicts.listings),
        "queues": queues(verdicts.probes),
        "lottery_in_words": partial(lottery_in_words, verdicts.lottery),
        "hand_overs": hand_overs(verdicts.lottery),
        "waits": WAITS,
        "loads_in_words": loads_in_words(verdicts.lottery),
        "first_epochs": first_epochs(material),
        "printed_in_words": partial(losses_at_text, where="in epoch"),
        "allocation": material.allocation,
        "mean_square": mean_square(batch_labels(material)),
        "curves": curves(material),
        "charts": figures(material),
        "costs": costs(material),
        "environment": environment(material),
        "buffers": buffer_addresses(material),
    }


def first_epochs(material: Material) -> str:
    """Return the first losses of one sound cell that learns, by seed, nothing if there is none with two seeds."""
    sound = [
        material.runs.get(entry.cell, []) for entry in material.verdicts.cells if entry.effect == "clean"
    ]
    learned = (runs for runs in sound if len(runs) > 1 and runs[0].is_trainable)
    return ", ".join(number(run.loss[0]) for run in next(learned, []))


def breakable(name: str) -> Markup:
    """Return a name that may break after each underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def as_json(value: Any) -> Markup:
    """Return JSON for the inside of a script element."""
    return Markup(json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))
