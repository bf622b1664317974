"""The small charts of every cell: what the page puts into `curve` and `answers`, as plain data."""

from itertools import cycle
from typing import TypedDict

from pitfalls.project import Cell
from pitfalls.report.material import Material
from pitfalls.report.words import digits
from pitfalls.results import Result
from pitfalls.verdicts.effects import worst_of
from pitfalls.verdicts.records import CellVerdict

SHAPES = {"circle": "○", "square": "□", "triangle-up": "△", "diamond": "◇", "triangle-down": "▽"}
"""A shape for each seed, and its sign in text: points that lie on each other differ by it."""


class CellCurves(TypedDict):
    """The losses and answers of one cell, by seed, with the loss that is claimed and the true means."""

    id: str
    tone: str
    effect: str
    cell: dict[str, str]
    floor: float
    losses: dict[str, list[float]]
    truths: list[float]
    answers: dict[str, list[float]]


def curves(material: Material) -> list[CellCurves]:
    """Return the curves of each judged cell that has results, model by model, generator by generator."""
    entries = {entry.cell: entry for entry in material.verdicts.cells}
    return [
        cell_curves(entries[cell], material.runs[cell])
        for cell in cells_in_order(material.axes)
        if cell in entries and cell in material.runs
    ]


def cells_in_order(axes: dict[str, list[str]]) -> list[Cell]:
    """Return every cell in the order in which they are drawn."""
    return [Cell(r, g, m) for m in axes["model"] for g in axes["generator"] for r in axes["runtime"]]


def cell_curves(entry: CellVerdict, runs: list[Result]) -> CellCurves:
    """Return the curves of one cell."""
    return {
        "id": entry.cell.path,
        "tone": worst_of(entry.effect),
        "effect": entry.effect,
        "cell": entry.cell.options,
        "floor": entry.claimed_loss,
        "losses": {str(run.cell.seed): [digits(loss, 5) for loss in run.loss] for run in runs},
        "truths": [digits(sum(pair) / 2, 4) for pair in runs[0].answers.inputs],
        "answers": {str(run.cell.seed): [digits(value, 4) for value in run.answers.values] for run in runs},
    }


def seed_marks(material: Material) -> dict[int, str]:
    """Return the sign of each seed's shape, to be printed in text."""
    return dict(zip(material.seeds, cycle(SHAPES.values()), strict=False))
