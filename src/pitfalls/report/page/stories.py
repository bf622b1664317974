"""Stories: each cell of the matrix in words, numbers and a command to run it again."""

from collections.abc import Mapping
from dataclasses import dataclass

from pitfalls.project import Cell
from pitfalls.report.material import Material
from pitfalls.report.page.curves import cells_in_order
from pitfalls.report.page.rules import GuardSays, guard_says, unknown_runtimes
from pitfalls.report.page.twins import TwinCell, twins_of
from pitfalls.report.words import (
    addresses_text,
    claim_text,
    interval_text,
    number,
    sentence,
    shape_texts,
    share,
    short,
    train_command,
)
from pitfalls.results import Result
from pitfalls.verdicts.effects import EFFECTS, worst_of
from pitfalls.verdicts.records import CellVerdict


@dataclass(frozen=True)
class SeedRow:
    """What one seed of a cell measured."""

    run: Result

    @property
    def seed(self) -> int:
        """The seed."""
        return self.run.cell.seed

    @property
    def loss(self) -> str:
        """Its loss."""
        return number(self.run.final_loss)

    @property
    def broken(self) -> str:
        """The share of its rows whose label is not the mean of their inputs."""
        return share(self.run.broken_rows)

    @property
    def answer(self) -> str:
        """What its model answers for the article's pair."""
        return f"{self.run.prediction.value:.2f}" if self.run.prediction else ""

    @property
    def addresses(self) -> str:
        """Where its reused buffers began."""
        return addresses_text(self.run.buffer_address_mod_64)


@dataclass(frozen=True)
class Story:
    """One cell as the page shows it.

    Attributes:
        entry: Its verdict.
        runs: Its results, by seed.
        about: What conf/ says of its options.
        guard: What the guard said of it, None if the guard was not asked or does not know its runtime.
        is_unknown_to_guard: Whether the guard was asked, and does not know its runtime.
        twins: The same runtime and model with the generator's twins.
    """

    entry: CellVerdict
    runs: list[Result]
    about: dict[str, str]
    guard: GuardSays | None
    is_unknown_to_guard: bool
    twins: list[TwinCell]

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self.entry.cell

    @property
    def id(self) -> str:
        """Its place on the page."""
        return self.cell.path

    @property
    def tone(self) -> str:
        """The effect whose colour it takes."""
        return worst_of(self.entry.effect)

    @property
    def meaning(self) -> str:
        """What its effect means for its model: one whose weights are fixed learns nothing wrong."""
        is_trainable = self.runs[0].is_trainable if self.runs else None
        return sentence(EFFECTS[self.tone].meaning_for(is_trainable))

    @property
    def measured(self) -> str:
        """The mean loss of its seeds."""
        return number(self.entry.measured)

    @property
    def measured_short(self) -> str:
        """The same, for a cell of a map."""
        return short(self.entry.measured)

    @property
    def interval(self) -> str:
        """From its lowest to its highest seed."""
        return interval_text(self.entry.interval)

    @property
    def claimed(self) -> str:
        """The claim with its tolerance."""
        return claim_text(self.entry.claim)

    @property
    def is_race(self) -> bool:
        """Whether the claim follows from a measured share."""
        return self.entry.claim is not None and self.entry.claim.kind == "race"

    @property
    def reason(self) -> str:
        """Why its mechanism leads to the claim."""
        return sentence(self.entry.claim.reason) if self.entry.claim else ""

    @property
    def broken_rows(self) -> str:
        """The share of rows whose label is not the mean of their inputs."""
        return share(self.entry.broken_rows)

    @property
    def seeds(self) -> list[SeedRow]:
        """What each seed measured."""
        return [SeedRow(run) for run in self.runs]

    @property
    def shapes(self) -> list[tuple[str, str]]:
        """The shapes that meet in its loss."""
        return shape_texts(self.runs[0].shapes) if self.runs else []

    @property
    def command(self) -> str:
        """The command that trains its first seed again."""
        return train_command(self.cell.at(0))


Stories = dict[Cell, Story]


def stories_of(material: Material) -> Stories:
    """Return the story of each judged cell, in the order in which the maps show them."""
    entries = {entry.cell: entry for entry in material.verdicts.cells}
    return {
        cell: story(entries[cell], entries, material)
        for cell in cells_in_order(material.axes)
        if cell in entries
    }


def story(entry: CellVerdict, entries: Mapping[Cell, CellVerdict], material: Material) -> Story:
    """Return the story of one cell among all entries."""
    return Story(
        entry,
        material.runs.get(entry.cell, []),
        {axis: material.about(axis, name) for axis, name in entry.cell.options.items()},
        guard_says(entry, material),
        entry.cell.runtime in unknown_runtimes(material),
        twins_of(entry.cell, entries, material.twins),
    )
