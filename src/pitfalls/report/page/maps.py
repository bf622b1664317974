"""Maps: one for each model, generators as rows, and runtimes as columns under the heading of their framework."""

from dataclasses import dataclass

from pitfalls.project import Cell
from pitfalls.report.material import Material
from pitfalls.report.page.stories import Stories, Story
from pitfalls.report.words import framework_name


@dataclass(frozen=True)
class Group:
    """A framework's columns."""

    name: str
    runtimes: list[str]


@dataclass(frozen=True)
class Place:
    """A place of a map.

    Attributes:
        story: The story of its cell, None if the cell was not run or does not exist.
        exists: Whether the runtime takes the generator.
        begins_group: Whether it is the first of its framework.
    """

    story: Story | None
    exists: bool
    begins_group: bool


@dataclass(frozen=True)
class MapRow:
    """A generator's places, one for each runtime."""

    generator: str
    about: str
    places: list[Place]


@dataclass(frozen=True)
class HeatMap:
    """A model's stories: generators as rows, runtimes as columns."""

    model: str
    about: str
    rows: list[MapRow]


def groups(material: Material) -> list[Group]:
    """Return the columns of every map, by framework."""
    return [Group(framework_name(name), runtimes) for name, runtimes in material.frameworks.items()]


def heat_maps(stories: Stories, material: Material) -> list[HeatMap]:
    """Return a map for each model."""
    pairs = material.pairs()

    def row(generator: str, model: str) -> MapRow:
        places = [
            Place(
                stories.get(Cell(runtime, generator, model)),
                (runtime, generator) in pairs,
                runtime == group.runtimes[0],
            )
            for group in groups(material)
            for runtime in group.runtimes
        ]
        return MapRow(generator, material.about("generator", generator), places)

    return [
        HeatMap(
            model, material.about("model", model), [row(name, model) for name in material.axes["generator"]]
        )
        for model in material.axes["model"]
    ]
