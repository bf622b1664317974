"""The four effects: what can become of a bug, in words and in colour, from worst to best."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """What became of a bug.

    Attributes:
        meaning: What it means, behind its name.
        happened: How a run's note begins, in Markdown.
        colour: Of a run in MLflow, and of the page in light mode and on paper: ``--light-<effect>`` in its style.
    """

    meaning: str
    happened: str
    colour: str


EFFECTS = {
    "bites": Effect(
        "the loss shows it: the model learns the wrong thing, or nothing", "The bug **bites**", "#b34700"
    ),
    "masked": Effect(
        "the data is wrong, but the loss cannot show it; a race or a new loss would let it out",
        "The bug is there, and **masked**",
        "#a2447a",
    ),
    "repaired": Effect(
        "the framework hides it, by a copy or by aligning ranks",
        "The bug is there, and the framework **repairs** it",
        "#2b7bb9",
    ),
    "clean": Effect("there is no bug in this cell", "There is no bug here", "#767d85"),
}


def worst_of(effect: str) -> str:
    """Return the worst effect among those of a cell's seeds, which may disagree: ``bites or masked``."""
    return next((name for name in EFFECTS if name in effect), "clean")
