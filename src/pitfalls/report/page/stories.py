"""Stories: each cell of the matrix in words, numbers and a command to run it again."""

from dataclasses import dataclass

from pitfalls.project import Cell
from pitfalls.report.material import Material
from pitfalls.report.page.rules import GuardSays, guard_says
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
    """One cell as the page shows it: its verdict, its runs, what conf/ says of its options, and the guard."""

    entry: CellVerdict
    runs: list[Result]
    about: dict[str, str]
    guard: GuardSays | None

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


@dataclass(frozen=True)
class MapRow:
    """A generator's stories, one for each runtime; None where the cell was not run."""

    generator: str
    about: str
    stories: list[Story | None]


@dataclass(frozen=True)
class HeatMap:
    """A model's stories: generators as rows, runtimes as columns."""

    model: str
    about: str
    rows: list[MapRow]


Stories = dict[Cell, Story]


def stories_of(material: Material) -> Stories:
    """Return the story of each judged cell."""
    return {entry.cell: story(entry, material) for entry in material.verdicts.cells}


def story(entry: CellVerdict, material: Material) -> Story:
    """Return the story of one cell."""
    about = {axis: material.about(axis, name) for axis, name in entry.cell.options.items()}
    return Story(entry, material.runs.get(entry.cell, []), about, guard_says(entry, material))


def heat_maps(stories: Stories, material: Material) -> list[HeatMap]:
    """Return a map for each model."""
    axes = material.axes

    def row(generator: str, model: str) -> MapRow:
        cells = [Cell(runtime, generator, model) for runtime in axes["runtime"]]
        return MapRow(
            generator, material.about("generator", generator), [stories.get(cell) for cell in cells]
        )

    return [
        HeatMap(model, material.about("model", model), [row(name, model) for name in axes["generator"]])
        for model in axes["model"]
    ]
