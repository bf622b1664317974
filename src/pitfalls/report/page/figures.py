"""Figures: each chart of charts/*.vl.json with the rows, heights and domains that depend on the data.

Colours are names of the page's style sheet (`var(--bites-ink)`), so that light, dark and
print need no second drawing.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pitfalls.project import FIT, JAX_LOOP, LOAD, OFFSET, PAIR, PAIR_MEAN
from pitfalls.report.lottery import tickets_of
from pitfalls.report.material import Material
from pitfalls.report.page.costs import costs
from pitfalls.report.page.curves import SHAPES
from pitfalls.report.page.queues import flat
from pitfalls.report.words import number, short
from pitfalls.results import Probe
from pitfalls.verdicts.effects import worst_of
from pitfalls.verdicts.records import CellVerdict, ClosedForms, Ticket, TrainedListing

CHARTS = Path(__file__).parent / "charts"

BAND = 40
"""Height of a generator's band, in pixels."""

COSTS_BAND = 24
"""Height of a benchmark's band, in pixels."""

LEAST_REACH = 1.25
"""The figure of misses reaches at least so far, in tolerances: beyond 1, where a claim fails."""

Spec = dict[str, Any]
"""A Vega-Lite specification."""

Row = Mapping[str, object]
Rows = Sequence[Row]


def chart(name: str, rows: Mapping[str, Rows] | None = None, **params: object) -> Spec:
    """Return a chart of charts/, with its named data and its parameters filled in."""
    spec: Spec = json.loads((CHARTS / f"{name}.vl.json").read_text())
    if rows is not None:
        spec["datasets"] = dict(rows)
    by_name = {param["name"]: param for param in spec.get("params", [])}
    for param, value in params.items():
        by_name[param]["value"] = value
    return spec


def figures(material: Material) -> dict[str, Spec]:
    """Return the chart of each figure that there is something to draw for, by its name in the templates."""
    verdicts, forms, labels = material.verdicts, material.verdicts.closed_forms, batch_labels(material)
    drawn = {
        "misses": misses(material),
        "curve": chart("curve"),
        "story_curve": chart("story_curve"),
        "answers": answers("answers", material),
        "story_answers": answers("story_answers", material),
    }
    if forms and (first := listing_1_of(verdicts.listings)):
        drawn["listing_1"] = listing_1(first, forms)
    drawn |= lotteries(verdicts.lottery, material.allocation)
    if told := costs(material):
        drawn["costs"] = chart("costs", {"rows": told["rows"]}) | {"height": COSTS_BAND * len(told["rows"])}
    if labels:
        drawn |= {"square": square(labels), "column": column(labels)}
    if forms and material.task.high > max(PAIR) and material.runs:
        drawn["one_pair"] = one_pair(material, forms.constant)
    return drawn


def colour(effect: str) -> str:
    """Return the colour of an effect, of the worst where seeds disagree."""
    return f"var(--{worst_of(effect)}-ink)"


def answers(name: str, material: Material) -> Spec:
    """Return the empty chart of one cell's answers: both axes reach as far as the truth can."""
    largest = material.task.high - 1
    ends = [{"truth": at, "answer": at} for at in (0, largest)]
    spec = chart(name, {"identity": ends}, largest=largest)
    shape = spec["layer"][-1]["encoding"]["shape"]
    shape["scale"] = {"domain": [str(seed) for seed in material.seeds], "range": list(SHAPES)}
    return spec


def one_pair(material: Material, constant: float) -> Spec:
    """Draw what every trained model answers to the article's pair, beside its mean and the mean of all means."""
    rows = [
        {
            **entry.cell.options,
            "seed": run.cell.seed,
            "answer": run.prediction.value,
            "effect": worst_of(entry.effect),
            "colour": colour(entry.effect),
        }
        for entry in material.verdicts.cells
        for run in material.runs.get(entry.cell, [])
        if run.prediction and run.is_trainable
    ]
    lines = [{"answer": PAIR_MEAN}, {"answer": constant}]
    return in_bands(chart("one_pair", {"rows": rows, "lines": lines}), "runtime", material)


def misses(material: Material) -> Spec:
    """Draw how far each cell's loss is from its claim, in tolerances."""
    rows = [miss_row(entry) for entry in material.verdicts.cells]
    reach = max([LEAST_REACH, *(1.1 * abs(entry.miss) for entry in material.verdicts.cells)])
    return in_bands(chart("misses", {"rows": rows}, reach=reach), "model", material)


def miss_row(entry: CellVerdict) -> Row:
    """Return a cell's point among the misses."""
    return {
        **entry.cell.options,
        "miss": entry.miss,
        "claimed": number(entry.claimed_loss),
        "measured": number(entry.measured),
        "colour": colour(entry.effect),
        "verdict": entry.verdict,
    }


def in_bands(spec: Spec, apart: str, material: Material) -> Spec:
    """Give each generator a band in the order of params.yaml, another axis a little apart within it."""
    points = spec["layer"][-1]["encoding"]
    points["y"]["sort"] = material.axes["generator"]
    points["yOffset"]["sort"] = material.axes[apart]
    spec["height"] = BAND * len(material.axes["generator"])
    return spec


def listing_1_of(listings: Sequence[object]) -> TrainedListing | None:
    """Return the verdict on listing 1, None if it was not run."""
    trained = (entry for entry in listings if isinstance(entry, TrainedListing))
    return next((entry for entry in trained if entry.listing == 1), None)


def listing_1(entry: TrainedListing, forms: ClosedForms) -> Spec:
    """Draw listing 1's loss by epoch, what the article printed, and the variance that both must reach."""
    ours = dict(enumerate(entry.loss, start=1))
    rows = {
        "floor": [{"loss": forms.V, "text": f"{forms.V:g}"}],
        "ours": loss_rows(ours, "measured here"),
        "printed": loss_rows(entry.printed_losses, "printed in 2019"),
    }
    return chart("listing_1", rows)


def loss_rows(losses: Mapping[int, float], by: str) -> Rows:
    """Return a row for each loss by epoch, and whose it is."""
    return [{"epoch": epoch, "loss": loss, "by": by} for epoch, loss in losses.items()]


def lotteries(tickets: Sequence[Ticket], allocation: Probe | None) -> dict[str, Spec]:
    """Return the lottery of each framework, and how it depends on the length of a step in JAX, as far as each was run."""
    tensorflow, jax = (tickets_of(tickets, runtime, OFFSET) for runtime in (FIT, JAX_LOOP))
    loads = tickets_of(tickets, JAX_LOOP, LOAD)
    return {
        **({"lottery": lottery(tensorflow, allocation)} if tensorflow else {}),
        **({"lottery_jax": lottery(jax, None)} if jax else {}),
        **({"loads": chart("loads", {"rows": [load_row(ticket) for ticket in loads]})} if loads else {}),
    }


def load_row(ticket: Ticket) -> Row:
    """Return the point of one run whose steps were of some length."""
    return {
        "load": ticket.load,
        "seed": ticket.seeds[0],
        "broken": ticket.broken_rows,
        "microseconds": 1e6 * (ticket.seconds_per_step or 0),
        "colour": colour(ticket.effect),
    }


def lottery(tickets: Sequence[Ticket], allocation: Probe | None) -> Spec:
    """Draw the loss of one program by the address of its buffer: filled where NumPy's own arrays began."""
    began = allocation.allocations if allocation else {}
    spec = chart("lottery", {"rows": [ticket_row(ticket, began) for ticket in tickets]})
    if not began:  # a layer without a point has no domain, and Vega warns of it
        spec["layer"] = [layer for layer in spec["layer"] if "transform" not in layer]
    return spec


def ticket_row(ticket: Ticket, began: Mapping[int, int]) -> Row:
    """Return the point of one run of the lottery."""
    return {
        "offset": ticket.offset_bytes,
        "loss": ticket.measured,
        "text": short(ticket.measured),
        "broken": ticket.broken_rows,
        "effect": worst_of(ticket.effect),
        "colour": colour(ticket.effect),
        "began": began.get(ticket.offset_bytes, 0),
    }


def batch_labels(material: Material) -> list[float]:
    """Return the labels of one batch of the task's size, none if it was not probed."""
    labels = flat(material.allocation.labels[0]) if material.allocation else []
    return labels if len(labels) == material.task.batch_size else []


def square(labels: list[float]) -> Spec:
    """Draw each label minus each prediction of a perfect model."""
    spec = chart("square", values=labels)
    spec["data"]["sequence"]["stop"] = len(labels) ** 2
    return spec


def column(labels: list[float]) -> Spec:
    """Draw each label minus its own prediction, of a perfect model."""
    spec = chart("column", values=labels)
    spec["data"]["sequence"]["stop"] = len(labels)
    return spec


def mean_square(labels: list[float]) -> float | None:
    """Return the mean square of the square's differences, None if there are no labels."""
    differences = [label - prediction for label in labels for prediction in labels]
    return sum(difference**2 for difference in differences) / len(differences) if labels else None
