"""Rendering: what was gathered goes through the templates into one file that needs no other."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pitfalls.config.schema import ROOT
from pitfalls.report import tables
from pitfalls.report.page import charts, demonstrations
from pitfalls.report.page.environment import buffer_addresses, environment
from pitfalls.report.page.formulas import closed_forms, explained
from pitfalls.report.page.gathering import Material, gather
from pitfalls.report.page.guarding import guard_table
from pitfalls.report.page.listings import cards
from pitfalls.report.page.queueing import ALLOCATIONS, allocation_counts, queues
from pitfalls.report.page.stories import EFFECTS, answers, heat_maps, stories
from pitfalls.results import write_text

HERE = Path(__file__).parent

VENDORED = ("vega", "vega-lite", "vega-embed")
"""The plotting library, in the order in which its parts need each other."""


def write_page(runs: Path, reports: Path, root: Path = ROOT) -> Path:
    """Write reports/index.html from the verdicts and results.

    Args:
        runs: The folder of all sweeps.
        reports: The folder that holds verdicts.json; the page is written there.
        root: The project's folder, for conf/, params.yaml and the commit.

    Returns:
        Where the page stands.

    Raises:
        ResultError: verdicts.json is missing or damaged.
        ConfigurationError: The folder cannot be written to.
    """
    path = reports / "index.html"
    write_text(path, render(gather(runs, reports, root), root))
    return path


def render(material: Material, root: Path) -> str:
    """Return the page as HTML."""
    templates = Environment(
        loader=PackageLoader("pitfalls.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"as_json": as_json, "breakable": breakable}
    return templates.get_template("page.html").render(content(material, root))


def content(material: Material, root: Path) -> dict[str, Any]:
    """Return all that the templates name."""
    verdicts, task = material.verdicts, task_of(material)
    high, batch_size = task["high"], task["batch_size"]
    forms = closed_forms(high, batch_size)
    labels, allocations = demonstrations.batch_labels(high, batch_size), allocation_counts(batch_size)
    return {
        "style": Markup((HERE / "templates" / "style.css").read_text()),
        "scripts": [*vendored_scripts(), script(HERE / "templates" / "page.js")],
        "summary": tables.summary(verdicts),
        "counts": tables.counts(verdicts)["matrix"],
        "failures": tables.failures(verdicts),
        "effects": EFFECTS,
        "task": task,
        "forms": forms,
        "explained": partial(explained, forms=forms),
        "seed_marks": charts.seed_marks(material),
        "axes": material.axes,
        "about": material.options,
        "answers": answers(material),
        "maps": heat_maps(material),
        "rows": list(stories(material).values()),
        "guard": guard_table(material),
        "listings": cards(verdicts),
        "queues": queues(high, verdicts["probes"]),
        "lottery": material.lottery,
        "lottery_in_words": lottery_in_words(material),
        "allocations": allocations,
        "allocated": ALLOCATIONS,
        "squares": mean_squares(labels),
        "curves": charts.curves(material),
        "charts": specifications(material, labels, high, allocations),
        "environment": environment(material, root),
        "buffers": buffer_addresses(material),
    }


def specifications(
    material: Material, labels: list[float], high: int, allocations: dict[int, int]
) -> dict[str, charts.Spec]:
    """Return the chart of each figure that there is something to draw for, by the name in the template."""
    first = [entry for entry in material.verdicts["listings"] if entry["listing"] == 1]
    return {
        **({"listing_1": demonstrations.listing_1(first[0], high)} if first else {}),
        **({"lottery": demonstrations.lottery(material.lottery, allocations)} if material.lottery else {}),
        "square": demonstrations.differences(labels, len(labels)),
        "column": demonstrations.differences(labels, 1),
        "misses": charts.misses(material),
        **(
            {"one_pair": charts.answers_to_one_pair(material, 65, (high - 1) / 2)}
            if high > 73 and material.runs
            else {}
        ),
        "curve": charts.curve(96, {"tickCount": 2}, hover=False),
        "answers": charts.answers(material, high, 96, {"title": None, "grid": False}, size=14),
        "story_curve": charts.curve(220, {"title": "epoch"}, hover=True),
        "story_answers": charts.answers(material, high, 220, {"grid": True}, size=50),
    }


def task_of(material: Material) -> dict[str, int]:
    """Return the task of the runs, or the article's where there is none."""
    return next((run["task"] for run in material.results), {"high": 100, "batch_size": 64})


def lottery_in_words(material: Material) -> str:
    """Return the lottery's figure as text: the loss at each address."""
    losses = {run["buffer_address_mod_64"]["inputs"]: run["final_loss"] for run in material.lottery}
    return ", ".join(f"{tables.number(loss)} at {at}" for at, loss in losses.items()) + "."


def mean_squares(labels: list[float]) -> dict[str, float]:
    """Return the mean square of a perfect model's differences: each with each, and each with its own."""
    square = sum((label - prediction) ** 2 for label in labels for prediction in labels) / len(labels) ** 2
    return {"each_with_each": square, "each_with_its_own": 0.0}


def vendored_scripts() -> list[Markup]:
    """Return the plotting library, one script after the other."""
    return [script(HERE / "vendor" / f"{name}.min.js") for name in VENDORED]


def script(path: Path) -> Markup:
    """Return a script to stand inside the page, without the link to its source map."""
    return Markup(
        re.sub(r"^//# sourceMappingURL=.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )


def breakable(name: str) -> Markup:
    """Return a name that may go on in the next line behind each underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def as_json(value: Any) -> Markup:
    """Return JSON that may stand inside a script element."""
    return Markup(json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))
