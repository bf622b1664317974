"""Words: each kind of number, claim and verdict in text, the same wherever it is shown."""

import re
from collections.abc import Iterable, Mapping, Sequence

from pitfalls.project import SeededCell
from pitfalls.results import Offsets, Shapes
from pitfalls.verdicts.records import CellVerdict, ProbedListing, Verdicts
from pitfalls.verdicts.words import claim_text as claim_text
from pitfalls.verdicts.words import number as number
from pitfalls.verdicts.words import tolerance_text as tolerance_text

SHORT_RUN = 5
"""A run of at most so many epochs is shown in full."""

FRAMEWORKS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
"""How the frameworks write their names."""


def framework_name(framework: str) -> str:
    """Return a framework's name as it writes it itself, one that is not known as it stands."""
    return FRAMEWORKS.get(framework, framework)


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


def interval_text(interval: tuple[float, float]) -> str:
    """Print the lowest and the highest loss of a cell's seeds."""
    return " to ".join(map(number, interval))


def losses_text(losses: Sequence[float]) -> str:
    """Print a run's losses by epoch: each of a short run, the last three of a long one."""
    if len(losses) <= SHORT_RUN:
        return ", ".join(map(number, losses)) + f" in epochs 1 to {len(losses)}"
    shown = ", ".join(f"{loss:.2f}" if 1 <= loss < 1e6 else number(loss) for loss in losses[-3:])
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


def counted(how_many: int, name: str) -> str:
    """Print a count with its noun: `1 run`, `2 runs`."""
    return f"{how_many} {name if how_many == 1 else f'{name}s'}"


def holding(entries: Sequence[CellVerdict | ProbedListing], name: str) -> str:
    """Say how many of some claims hold: `1 of 1 claim holds`, `71 of 72 cells hold`."""
    held, nothing = claims_that_hold(entries), unclaimed(entries)
    claimed = len(entries) - nothing
    text = f"{held} of {counted(claimed, name)} hold{'s' if 1 in (held, claimed) else ''}"
    return f"{text}, {nothing} unclaimed" if nothing else text


def unclaimed(entries: Sequence[CellVerdict | ProbedListing]) -> int:
    """Count the entries of which nothing is claimed."""
    return sum(entry.verdict == "unclaimed" for entry in entries)


def claims_that_hold(entries: Sequence[CellVerdict | ProbedListing]) -> int:
    """Count the claims that hold."""
    return sum(entry.holds for entry in entries)


def summary(verdicts: Verdicts) -> str:
    """Say in one line how many claims hold."""
    parts = [holding(verdicts.cells, "cell"), holding(verdicts.listings, "listing")]
    if verdicts.lottery:
        parts.append(holding(verdicts.lottery, "lottery run"))
    lacking = {"damaged": verdicts.damaged, "missing": verdicts.missing}
    lacks = [f"{len(names)} {word}" for word, names in lacking.items() if names]
    not_run = [f"{counted(len(verdicts.not_run), 'runtime')} not run here"] if verdicts.not_run else []
    return ", ".join([*parts, *lacks, *not_run]) + "."


def failures(verdicts: Verdicts) -> list[str]:
    """Return a line for each thing that did not hold."""
    missing = [
        f"{name} is missing: it was not trained or not probed. Run `dvc repro`." for name in verdicts.missing
    ]
    failed = [line for entry in verdicts.entries if entry.fails for line in reasons(entry)]
    return failed + verdicts.damaged + missing


def not_run_texts(verdicts: Verdicts) -> list[str]:
    """Return for each reason why runtimes were not run here, which they are."""
    runtimes: dict[str, list[str]] = {}
    for runtime, why in verdicts.not_run.items():
        runtimes.setdefault(why, []).append(runtime)
    return [f"Not run here: {', '.join(names)}. {why}" for why, names in runtimes.items()]


def reasons(entry: CellVerdict | ProbedListing) -> list[str]:
    """Return a line for each reason why a claim failed."""
    texts = entry.reasons or ([] if entry.holds else ["its claim does not hold"])
    return [f"{entry.name}: {text}" for text in texts]
