"""Words: each kind of number, claim and verdict in text, the same wherever it is shown."""

import re
from collections.abc import Iterable, Mapping, Sequence

from pitfalls.project import SeededCell
from pitfalls.results import Claim, Offsets, Shapes
from pitfalls.verdicts.records import CellVerdict, ProbedListing, Verdicts

SHORT_RUN = 5
"""A run of at most so many epochs is told from its beginning."""


def number(value: float) -> str:
    """Print a loss with four digits, and a loss that is all but zero as it is."""
    return f"{value:.4g}" if value < 1000 else f"{value:.0f}"


def short(loss: float) -> str:
    """Print a loss without decimals, and a small one with two digits."""
    return f"{loss:.0f}" if loss >= 10 else f"{loss:.2g}"


def share(value: float) -> str:
    """Print a share as a percentage."""
    return f"{value:.1%}"


def digits(value: float, how_many: int) -> float:
    """Round to some digits that count: files carry thousands of numbers."""
    return float(f"{value:.{how_many}g}")


def listed(values: Iterable[object]) -> str:
    """Print values in order, once each."""
    return ", ".join(map(str, sorted(set(values), key=order))) or "none"


def order(value: object) -> tuple[float, str]:
    """Return the key that sorts numbers by size, before texts by letter."""
    return (value, "") if isinstance(value, int | float) else (float("inf"), str(value))


def sentence(text: str) -> str:
    """Begin a text with a capital letter, unless it begins with a name in code."""
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def tolerance_text(tolerance: float) -> str:
    """Print a tolerance with two digits, a large one without an exponent: 130, not 1.3e+02."""
    return f"{digits(tolerance, 2):g}"


def claim_text(claim: Claim) -> str:
    """Print a claim with its tolerance; a dagger marks one that follows a race's measured q."""
    dagger = " †" if claim.kind == "race" else ""
    return f"{number(claim.loss)} ± {tolerance_text(claim.tolerance)}{dagger}"


def interval_text(interval: tuple[float, float]) -> str:
    """Print the lowest and the highest loss of a cell's seeds."""
    return " to ".join(map(number, interval))


def losses_text(losses: Sequence[float]) -> str:
    """Print a run's losses by epoch: each of a short run, the last three of a long one."""
    if len(losses) <= SHORT_RUN:
        return ", ".join(map(number, losses)) + f" in epochs 1 to {len(losses)}"
    shown = ", ".join(f"{loss:.2f}" if loss >= 1 else number(loss) for loss in losses[-3:])
    return f"{shown} in epochs {len(losses) - 2} to {len(losses)}"


def losses_at_text(losses: Mapping[int, float], where: str) -> str:
    """Print losses by the number at which each was seen: `690 at 0, 0 at 4`."""
    return ", ".join(f"{number(loss)} {where} {at}" for at, loss in losses.items())


def fits_text(fits: Sequence[bool]) -> str:
    """Say which of two labels fit their inputs."""
    if all(fits):
        return "both labels fit their inputs"
    return "only the second label fits its inputs" if fits[1] else "a label does not fit its inputs"


def shape_texts(shapes: Shapes) -> list[tuple[str, str]]:
    """Name the shapes that meet in a loss, and the difference before Keras repaired it where it did."""
    rows = [("labels", shapes.labels), ("prediction", shapes.prediction)]
    if shapes.loss_difference_before_repair != shapes.loss_difference:
        rows.append(("difference, unrepaired", shapes.loss_difference_before_repair))
    rows.append(("difference in the loss", shapes.loss_difference))
    return [(name, str(shape)) for name, shape in rows]


def addresses_text(offsets: Offsets) -> str:
    """Say where a run's reused buffers stand, in bytes past a 64-byte boundary."""
    reused = {"inputs": offsets.inputs, "labels": offsets.labels}
    return ", ".join(f"{name} {at}" for name, at in reused.items() if at is not None) or "none reused"


def swept_text(swept: str) -> str:
    """Print what was swept besides the axes, `@key=value`, without its sign."""
    return re.sub(r"(^| )@", r"\1", swept)


def train_command(run: SeededCell) -> str:
    """Return the command that trains a run again."""
    options = " ".join(f"{axis}={name}" for axis, name in run.options.items())
    return f"python src/train.py {options} seed={run.seed}"


def claims_that_hold(entries: Sequence[CellVerdict | ProbedListing]) -> int:
    """Count the claims that hold."""
    return sum(entry.holds for entry in entries)


def summary(verdicts: Verdicts) -> str:
    """Say in one line how many claims hold."""
    groups: dict[str, Sequence[CellVerdict | ProbedListing]] = {
        "cells": verdicts.cells,
        "listings": verdicts.listings,
    }
    if verdicts.lottery:
        groups["lottery runs"] = verdicts.lottery
    parts = [f"{claims_that_hold(entries)} of {len(entries)} {name} hold" for name, entries in groups.items()]
    lacking = {"damaged": verdicts.damaged, "missing": verdicts.missing}
    return ", ".join([*parts, *(f"{len(names)} {word}" for word, names in lacking.items() if names)]) + "."


def failures(verdicts: Verdicts) -> list[str]:
    """Return a line for each thing that did not hold."""
    missing = [f"{name} was not trained, or not probed: dvc repro" for name in verdicts.missing]
    return [line for entry in verdicts.entries for line in reasons(entry)] + verdicts.damaged + missing


def reasons(entry: CellVerdict | ProbedListing) -> list[str]:
    """Return a line for each reason why a claim failed."""
    texts = entry.reasons or ([] if entry.holds else ["its claim failed"])
    return [f"{entry.name}: {text}" for text in texts]
