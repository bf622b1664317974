"""Meeting: labels and predictions of different shapes that are brought together, however that was found. NumPy alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

from pitfalls.guard.stream.lines import Place

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Meeting:
    """One place where labels and predictions of different shapes are brought together."""

    label: Shape
    prediction: Shape
    result: Shape
    path: str
    names: tuple[str, ...]
    place: Place | None
    in_metric: bool
    repaired: bool = False
    both_predicted: bool = False

    @property
    def name(self) -> str:
        """The loss or metric it happens in."""
        return self.names[0] if self.names else "the step"

    @property
    def averaged(self) -> int:
        """How many errors are averaged."""
        return prod(self.result)

    @property
    def meant(self) -> int:
        """How many there are to average: one a label, or one a prediction if there are fewer."""
        return min(prod(self.label), prod(self.prediction))


def is_named(meeting: Meeting, name: str) -> bool:
    """Tell whether a name is one of a loss's: its own, its function's, or its class's."""
    automatic = {re.sub(r"_\d+$", "", known) for known in meeting.names}
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name in meeting.names or name in automatic or snake in automatic
