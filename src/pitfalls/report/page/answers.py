"""Answers: for each framework and each way to feed a model in it, when each bug bites where it is the only one.

A cell carries its bug in one situation, which its runs show by themselves: which arrays
are refilled and at which address, or which side of the loss lacks an axis. So a new
generator or model is answered for without a word of it here.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pitfalls.report.material import Material
from pitfalls.report.words import counted, framework_name, sentence
from pitfalls.results import Result
from pitfalls.verdicts.effects import EFFECTS, worst_of
from pitfalls.verdicts.records import CellVerdict

BUGS = ("aliasing", "broadcasting")

BOUNDARY = 64
"""TensorFlow and JAX take a buffer that begins at a multiple of so many bytes without a copy."""

REFILLED = {
    "arrays": "the {} are refilled in one buffer",
    "tensors": "the {} are refilled in one tensor",
    "samples": "each sample is written into one buffer",
}
"""How a generator refills what it yields."""

HIDDEN = ("masked", "repaired", "clean")
"""The effects of which a loss shows nothing."""


@dataclass(frozen=True)
class Situation:
    """When a cell carries its bug, and where its buffer begins if only one is refilled."""

    when: str
    where: str = ""


@dataclass(frozen=True)
class Outcome:
    """An effect, and the situations in which a bug has it."""

    effect: str
    when: list[str]


@dataclass(frozen=True)
class BugAnswer:
    """What becomes of one bug in the cells that carry no other: their effects, and when each occurs."""

    bug: str
    effects: list[str]
    outcomes: list[Outcome]

    @property
    def count(self) -> str:
        """In how many cells each effect that is not hidden occurs: `bites in 2 of 6 cells`."""
        if not self.effects:
            return "not tried"
        of = len(self.effects)
        if not (open_ones := [name for name in EFFECTS if name in self.effects and name not in HIDDEN]):
            return f"hidden in all {counted(of, 'cell')}" if of > 1 else "hidden in the only cell"
        counts = ", ".join(f"{name} in {self.effects.count(name)}" for name in open_ones)
        return f"{counts} of {counted(of, 'cell')}"


@dataclass(frozen=True)
class RuntimeAnswer:
    """The answers under one runtime."""

    runtime: str
    about: str
    bugs: list[BugAnswer]


@dataclass(frozen=True)
class FrameworkAnswer:
    """The answers in one framework: the name that it writes itself, and its runtimes."""

    name: str
    runtimes: list[RuntimeAnswer]


def answers(material: Material) -> list[FrameworkAnswer]:
    """Return the answers in each framework that was measured, in the order of params.yaml."""
    return [
        FrameworkAnswer(framework_name(name), [runtime_answer(runtime, material) for runtime in runtimes])
        for name, runtimes in material.frameworks.items()
    ]


def runtime_answer(runtime: str, material: Material) -> RuntimeAnswer:
    """Return the answers under one runtime."""
    about = sentence(material.about("runtime", runtime))
    return RuntimeAnswer(runtime, about, [bug_answer(bug, runtime, material) for bug in BUGS])


def bug_answer(bug: str, runtime: str, material: Material) -> BugAnswer:
    """Answer for one bug under one runtime, from the cells that carry no other."""
    alone = [e for e in material.verdicts.cells if e.cell.runtime == runtime and e.bugs == [bug]]
    return BugAnswer(bug, [worst_of(entry.effect) for entry in alone], outcomes(bug, alone, material))


def outcomes(bug: str, entries: Sequence[CellVerdict], material: Material) -> list[Outcome]:
    """Return for each effect that occurs, worst first, the situations in which it does."""
    effects: dict[Situation, str] = {}
    for entry in entries:
        situation = situation_of(bug, entry, material)
        effects[situation] = worst_of(f"{effects.get(situation, '')} {entry.effect}")
    found = [(effect, phrases(effect, effects)) for effect in EFFECTS]
    return [Outcome(effect, when) for effect, when in found if when]


def phrases(effect: str, effects: dict[Situation, str]) -> list[str]:
    """Return the situations of an effect in words; an address is named only if another one changes the effect."""
    by_when: dict[str, set[str]] = defaultdict(set)
    for situation, found in effects.items():
        by_when[situation.when].add(found)
    texts = [
        situation.when if len(by_when[situation.when]) == 1 else f"{situation.when} {situation.where}".strip()
        for situation, found in effects.items()
        if found == effect
    ]
    return list(dict.fromkeys(texts))


def situation_of(bug: str, entry: CellVerdict, material: Material) -> Situation:
    """Return the situation of a cell; without runs it can only be named."""
    cell = entry.cell
    if not (runs := material.runs.get(cell)):
        return Situation(f"{cell.generator} feeds {cell.model}")
    if bug == "aliasing":
        return refilled(runs[0], REFILLED.get(runs[0].mechanism.yields, REFILLED["arrays"]))
    return lacking(runs[0])


def refilled(run: Result, how: str) -> Situation:
    """Say what is refilled, and where the buffer of one array begins."""
    offsets = run.buffer_address_mod_64
    begins = {"inputs": offsets.inputs, "labels": offsets.labels}
    reused = {name: offset for name, offset in begins.items() if offset is not None}
    if len(reused) != 1:
        return Situation("inputs and labels are refilled together")
    ((name, offset),) = reused.items()
    where = (
        f"at an address that is a multiple of {BOUNDARY}"
        if offset % BOUNDARY == 0
        else "at any other address"
    )
    return Situation(how.format(name), where)


def lacking(run: Result) -> Situation:
    """Say which side of the loss lacks its last axis, as the generator and the model made it."""
    shapes = {"labels": run.shapes.labels, "predictions": run.shapes.prediction}
    flat = [name for name, shape in shapes.items() if len(shape) == 1]
    who = (
        "labels and predictions both"
        if len(flat) > 1
        else f"only the {flat[0]}"
        if flat
        else "neither side seems to"
    )
    return Situation(f"{who} lack their last axis")
