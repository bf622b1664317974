"""Answers: for each way to feed a model, how often each bug bites where it is the only one."""

from collections.abc import Iterable
from dataclasses import dataclass

from pitfalls.report.material import Material
from pitfalls.report.words import sentence
from pitfalls.verdicts.records import CellVerdict

BUGS = ("aliasing", "broadcasting")


@dataclass(frozen=True)
class BugAnswer:
    """How often one bug bites: in so many of the cells that carry no other, with these generators."""

    bug: str
    bitten: int
    of: int
    by: list[str]

    @property
    def word(self) -> str:
        """The answer in a word or two."""
        return "bites" if self.bitten else "stays hidden" if self.of else "not tried"

    @property
    def tone(self) -> str:
        """The effect whose colour it takes."""
        return "bites" if self.bitten else "repaired"


@dataclass(frozen=True)
class RuntimeAnswer:
    """The answers under one runtime."""

    runtime: str
    about: str
    bugs: list[BugAnswer]


def answers(material: Material) -> list[RuntimeAnswer]:
    """Return the answers under each runtime."""
    return [
        RuntimeAnswer(
            runtime,
            sentence(material.about("runtime", runtime)),
            [bug_answer(bug, cells_under(runtime, material)) for bug in BUGS],
        )
        for runtime in material.axes["runtime"]
    ]


def cells_under(runtime: str, material: Material) -> list[CellVerdict]:
    """Return the cells of one runtime."""
    return [entry for entry in material.verdicts.cells if entry.cell.runtime == runtime]


def bug_answer(bug: str, cells: Iterable[CellVerdict]) -> BugAnswer:
    """Count how often one bug bites in cells that carry no other."""
    alone = [entry for entry in cells if entry.bugs == [bug]]
    bitten = [entry for entry in alone if "bites" in entry.effect]
    generators = dict.fromkeys(entry.cell.generator for entry in bitten)
    return BugAnswer(bug, len(bitten), len(alone), list(generators))
