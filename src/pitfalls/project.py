"""The project: where it stands, what a cell is, and which options params.yaml lists in which order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder: conf/, runs/, reports/ and the tracking store stand in it."""

PARAMS = ROOT / "params.yaml"

RELEASE = "reports/release"
"""Where Git holds the last release; what else stands in reports/ is this machine's."""

AXES = ("runtime", "generator", "model")
"""What makes a cell; a cell at a seed is a run."""

EpochHook = Callable[[int, float], None]
"""Called at the end of each epoch with its index and mean loss."""

PAIR = (73, 57)
"""The two integers that the article asks its models for."""

PAIR_MEAN = sum(PAIR) / 2


@dataclass(frozen=True)
class Cell:
    """A place in the matrix; equal and hashable by its three options, so it is its own key."""

    runtime: str
    generator: str
    model: str

    @property
    def options(self) -> dict[str, str]:
        """The option of each axis."""
        return {axis: getattr(self, axis) for axis in AXES}

    @property
    def path(self) -> str:
        """The cell's folder below its sweep's: ``keras2/reused_inputs/dense``."""
        return "/".join(self.options.values())

    def __str__(self) -> str:
        """Name the cell as people read it: ``keras2 / reused_inputs / dense``."""
        return " / ".join(self.options.values())

    def at(self, seed: int) -> "SeededCell":
        """Return the run of this cell at a seed."""
        return SeededCell(self.runtime, self.generator, self.model, seed)


@dataclass(frozen=True)
class SeededCell(Cell):
    """A run: a cell at a seed."""

    seed: int

    @property
    def cell(self) -> Cell:
        """The cell, without the seed."""
        return Cell(self.runtime, self.generator, self.model)

    @property
    def path(self) -> str:
        """The run's folder below its sweep's: ``keras2/reused_inputs/dense/seed-0``."""
        return f"{super().path}/seed-{self.seed}"

    def __str__(self) -> str:
        """Name the run as people read it: ``keras2 / reused_inputs / dense / 0``."""
        return f"{super().__str__()} / {self.seed}"


def words(value: Any) -> list[str]:
    """Return what params.yaml lists: a YAML list, words between commas as Hydra takes them, or such by framework."""
    if isinstance(value, dict):
        return [word for part in value.values() for word in words(part)]
    return (
        [str(word) for word in value]
        if isinstance(value, list)
        else str(value).split(",")
        if value != ""
        else []
    )


def listed_options(axis: str, params: Path = PARAMS) -> list[str]:
    """Return the options of an axis that params.yaml lists, none if there is no such file."""
    return words(yaml.safe_load(params.read_text())["matrix"][axis]) if params.exists() else []


def listed_runs(params: Path) -> set[SeededCell]:
    """Return each run of the matrix that params.yaml lists."""
    seeds = [int(seed) for seed in listed_options("seed", params)]
    cells = product(*(listed_options(axis, params) for axis in AXES))
    return {Cell(*options).at(seed) for options in cells for seed in seeds}


def listed_listings(params: Path) -> set[int]:
    """Return the numbers of the article's listings that params.yaml trains or probes."""
    article = yaml.safe_load(params.read_text())["article"]
    names = words(article["trained"]) + words(article["probed"])
    return {int(name.removeprefix("listing_")) for name in names}


def listed_offsets(params: Path) -> set[int]:
    """Return the offsets of the alignment lottery that params.yaml lists."""
    offsets = yaml.safe_load(params.read_text()).get("alignment", {}).get("offset_bytes", [])
    return {int(offset) for offset in words(offsets)}


def in_order(options: Iterable[str], axis: str, params: Path = PARAMS) -> list[str]:
    """Return options once each: those of params.yaml in its order, then the others by name."""
    listed, there = listed_options(axis, params), set(options)
    return [name for name in listed if name in there] + sorted(there.difference(listed))


def place_of(params: Path = PARAMS) -> Callable[[Cell], tuple[tuple[int, str], ...]]:
    """Return the key that sorts cells by runtime, generator and model, each in the order of `in_order`."""
    places = {axis: {name: at for at, name in enumerate(listed_options(axis, params))} for axis in AXES}

    def place(cell: Cell) -> tuple[tuple[int, str], ...]:
        return tuple((places[axis].get(name, len(places[axis])), name) for axis, name in cell.options.items())

    return place
