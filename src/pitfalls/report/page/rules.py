"""What the guard said before any training: of each generator, and of each cell.

Both come from the `check` stage, which may not have run: then there is nothing to show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pitfalls.report.material import Material
from pitfalls.verdicts.guard import Checked, CheckedGenerator, GuardFinding
from pitfalls.verdicts.records import CellVerdict

MEANINGS = Path(__file__).parent / "templates" / "rules.yaml"
"""The rules in the order of the table, and what each means."""


@dataclass(frozen=True)
class Mark:
    """Whether a rule fired, and on what."""

    fires: bool
    text: str


QUIET = Mark(False, "quiet")


@dataclass(frozen=True)
class GeneratorRow:
    """What each rule said of a generator."""

    generator: str
    failed: bool
    marks: list[Mark]


@dataclass(frozen=True)
class RulesTable:
    """A row for each generator, with a mark for each rule, and the runtimes that the guard does not know."""

    rules: dict[str, str]
    rows: list[GeneratorRow]
    unknown: list[str]


@dataclass(frozen=True)
class GuardSays:
    """What the guard said of a cell: the rules that fired, and the first finding in its own words."""

    fired: list[str]
    as_expected: bool
    finding: GuardFinding | None


def rules_table(material: Material) -> RulesTable | None:
    """Return what each rule said of each generator, None if the guard was not asked."""
    checked = {generator.generator: generator for generator in material.guard.generators}
    if not checked:
        return None
    rules: dict[str, str] = yaml.safe_load(MEANINGS.read_text())
    order = material.axes["generator"]
    names = [name for name in order if name in checked] + sorted(set(checked).difference(order))
    rows = [generator_row(checked[name], rules, material) for name in names]
    return RulesTable(rules, rows, unknown_runtimes(material))


def unknown_runtimes(material: Material) -> list[str]:
    """Return the runtimes that the guard does not know: it checked models, but none under them."""
    known = {model.runtime for model in material.guard.models}
    return [runtime for runtime in material.axes["runtime"] if runtime not in known] if known else []


def generator_row(checked: CheckedGenerator, rules: dict[str, str], material: Material) -> GeneratorRow:
    """Return a generator's row."""
    models = [model for model in material.guard.models if model.generator == checked.generator]
    marks = [mark(rule, checked, models) for rule in rules]
    return GeneratorRow(checked.generator, checked.status == "error", marks)


def mark(rule: str, generator: Checked, models: Sequence[Checked]) -> Mark:
    """Say whether a rule fired: on the generator itself, or on how many of the models that it feeds."""
    if generator.fires(rule):
        return Mark(True, "fires")
    cells = sum(model.fires(rule) for model in models)
    return Mark(True, f"{cells} of {len(models)} cells") if cells else QUIET


def guard_says(entry: CellVerdict, material: Material) -> GuardSays | None:
    """Return what the guard said of a cell, None if it was not asked or does not know the runtime."""
    if entry.guard is None:
        return None
    findings = material.guard.on_cell(entry.cell) or []
    return GuardSays(entry.guard.fired, entry.guard.as_expected, next(iter(findings), None))
