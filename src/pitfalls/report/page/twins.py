"""Twins: what the same runtime and model measured with the generator that is one thing apart."""

from collections.abc import Mapping
from dataclasses import dataclass

from pitfalls.project import Cell
from pitfalls.report.words import short
from pitfalls.verdicts.effects import worst_of
from pitfalls.verdicts.records import CellVerdict

FUNCTION = "function"
"""What is apart between a generator and its fix; a twin whose address alone is apart carries the same bug."""

Twins = Mapping[str, Mapping[str, str]]
"""For each generator its twins, and what is apart."""


@dataclass(frozen=True)
class TwinCell:
    """The cell of a twin, and what is apart between the two generators."""

    entry: CellVerdict
    apart: str

    @property
    def difference(self) -> str:
        """In what the two generators differ, nothing where the header does not say it as `the function apart`."""
        differs = self.apart.removesuffix(" apart")
        return f"it differs in {differs}" if differs != self.apart else ""

    @property
    def id(self) -> str:
        """Where its story stands in the page."""
        return self.entry.cell.path

    @property
    def tone(self) -> str:
        """The effect whose colour it takes."""
        return worst_of(self.entry.effect)

    @property
    def measured(self) -> str:
        """Its loss, as the map shows it."""
        return short(self.entry.measured)


def twins_of(cell: Cell, entries: Mapping[Cell, CellVerdict], twins: Twins) -> list[TwinCell]:
    """Return the twins of a cell that were judged, in the order in which its generator's header names them."""
    named = with_fix(cell.generator, twins)
    cells = {Cell(cell.runtime, generator, cell.model): apart for generator, apart in named.items()}
    return [TwinCell(entries[twin], apart) for twin, apart in cells.items() if twin in entries]


def with_fix(generator: str, twins: Twins) -> dict[str, str]:
    """Return a generator's twins; if the function is apart in none, also the twins of its twins in which it is.

    So a buffer at another address has the fix of the buffer itself beside it.
    """
    named = dict(twins.get(generator, {}))
    if any(FUNCTION in apart for apart in named.values()):
        return named
    further = {
        name: apart for twin in named for name, apart in twins.get(twin, {}).items() if FUNCTION in apart
    }
    return named | {name: apart for name, apart in further.items() if name != generator}
