"""The guard's report: what it found on every generator, and on every model with it; reports/guard.json."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from pitfalls.files import File, Record
from pitfalls.project import Cell

PLACE = "guard.json"
"""Its name in reports/."""


class GuardFinding(Record):
    """One thing that the guard found."""

    rule: str
    array: str = ""
    batch: int = 0
    message: str = ""
    fix: str = ""


class Checked(Record):
    """What the guard said of one thing."""

    status: Literal["clean", "findings", "error"]
    rules: list[str] = []
    findings: list[GuardFinding] = []
    not_checked: list[str] = []

    @property
    def found(self) -> list[GuardFinding]:
        """The findings; what could not be checked is a finding of the rule `error`, which no cell expects."""
        if self.status == "error":
            return [GuardFinding(rule="error", message=" ".join(self.not_checked))]
        return self.findings

    def fires(self, rule: str) -> bool:
        """Tell whether a rule is among the findings."""
        return any(finding.rule == rule for finding in self.findings)


class CheckedGenerator(Checked):
    """What the guard said of a fresh instance of a generator."""

    generator: str


class CheckedModel(Checked):
    """What the guard said of a model that is fed by a generator, under the loss of a runtime."""

    runtime: str
    generator: str
    model: str

    @property
    def cell(self) -> Cell:
        """The cell that they make."""
        return Cell(self.runtime, self.generator, self.model)


class GuardReport(File):
    """All that the guard said."""

    schema_version: Literal[1] = Field(1, alias="schema")
    generators: list[CheckedGenerator] = []
    models: list[CheckedModel] = []

    @classmethod
    def cure(cls) -> str:
        """Say how to make the report again."""
        return "Run python src/check.py."

    @classmethod
    def read_or_empty(cls, path: Path) -> Self:
        """Return the report, an empty one if the guard has not run.

        Raises:
            ResultError: The file is damaged.
        """
        return cls.read(path) if path.exists() else cls()

    def on_generator(self, generator: str) -> list[GuardFinding]:
        """Return what was found on a generator."""
        return [
            finding for report in self.generators if report.generator == generator for finding in report.found
        ]

    def on_cell(self, cell: Cell) -> list[GuardFinding] | None:
        """Return what was found on a cell's generator, then on its model; None if the cell was not checked."""
        for model in self.models:
            if model.cell == cell:
                return self.on_generator(cell.generator) + model.found
        return None

    def fired(self, cell: Cell) -> list[str] | None:
        """Return the rules that fired on a cell, None if it was not checked."""
        found = self.on_cell(cell)
        return None if found is None else [finding.rule for finding in found]
