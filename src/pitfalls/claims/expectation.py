"""Expectations: the one object that says what must come of a mechanism."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from pitfalls.claims import closed_forms
from pitfalls.claims.mechanism import RACE_OPEN, Coupling, Mechanism, Shape, coupling

Effect = Literal["bites", "rare", "masked", "repaired", "clean"]


class Task(Protocol):
    """What is learned: the mean of two integers uniform on 0..high-1, in batches of batch_size."""

    @property
    def high(self) -> int:
        """Exclusive upper end of the draw."""

    @property
    def batch_size(self) -> int:
        """Rows of a batch, b."""


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape of a difference by NumPy's rule, for shapes that are known to be compatible."""
    longer, shorter = sorted((a, b), key=len, reverse=True)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    return tuple(max(x, y) for x, y in zip(longer, padded, strict=True))


def loss_difference(m: Mechanism) -> Shape:
    """Return the shape of the difference that the loss must compute, after any repair."""
    label = (*m.label, 1) if m.expands_labels and len(m.label) == 1 else m.label
    if m.repairs_ranks and len(label) != len(m.prediction):
        # Keras squeezes or expands the shorter of (b,) and (b, 1) to the longer.
        return max(label, m.prediction, key=len)
    return broadcast(label, m.prediction)


@dataclass(frozen=True)
class Expectation:
    """What must come of a mechanism, each answer derived once; make it with `claims.of`."""

    mechanism: Mechanism
    high: int
    batch_size: int
    coupling: Coupling
    difference: Shape

    @property
    def broadcasts(self) -> bool:
        """Whether the loss averages more errors than the batch has rows."""
        return len(self.difference) == 2 and self.difference[1] > 1

    @cached_property
    def effect(self) -> Effect | None:
        """What must become of the bug, in one word; None where a race may end in several."""
        m = self.mechanism
        if not (m.has_rank_bug or m.has_aliasing):
            return "clean"
        if self.coupling.least > 0 or self.broadcasts:
            return "bites"
        if self.coupling == RACE_OPEN:
            return None
        if self.coupling.is_rare:
            return "rare"
        return "masked" if self.coupling.is_rewritten or m.is_rank_bug_masked else "repaired"

    @cached_property
    def rules(self) -> list[str]:
        """The rules of the guard that must fire, sorted; none where there is no bug.

        The guard sees labels and predictions before anything gives them one rank.
        """
        m = self.mechanism
        is_sample = m.yields == "samples"
        rules = {
            "aliased-batch": m.has_aliasing and not is_sample,
            "refilled-sample": m.has_aliasing and is_sample,
            "broadcast-loss": len(m.label) != len(m.prediction),
            "declared-shape": m.declared_rank != len(m.prediction),
        }
        return sorted(rule for rule, fires in rules.items() if fires)

    @cached_property
    def formula(self) -> str:
        """The closed form in symbols: V, S, B and C as in `closed_forms`, q the measured share."""
        coupling = self.coupling
        if self.mechanism.trainable:
            if coupling.is_race:
                return "V (1 - ((1 - q)/b)^2)" if self.broadcasts else "V (1 - (1 - q)^2)"
            if coupling.has_one_input:
                return "C = V (1 - 1/b^2)"
            return "V" if coupling.least else ("C = V (1 - 1/b^2)" if self.broadcasts else "0")
        if coupling.is_race:
            return "q S + (1 - q) B" if self.broadcasts else "q S"
        if coupling.has_one_input:
            return "B = 2 V (1 - 1/b)"
        return "S = 2 V" if coupling.least else ("B = 2 V (1 - 1/b)" if self.broadcasts else "0")

    @cached_property
    def reason(self) -> str:
        """Why the mechanism leads to its claim, in one sentence."""
        if self.coupling.has_one_input:
            data = (
                "a batch is one sample, held as often as it has rows, so each row has the inputs of the last"
            )
        elif self.coupling.is_rare:
            data = "a worker sends each batch while it makes the next, and a race breaks few of them"
        elif self.coupling.least:
            data = "the batch is read after its inputs were refilled, so inputs and labels are independent"
        elif self.coupling == RACE_OPEN:
            data = "a batch is read before or after its arrays are refilled, and nothing says which"
        elif self.coupling.is_rewritten:
            data = "a batch is read after both its arrays were refilled, so inputs and labels still match"
        else:
            data = "inputs and labels reach the model as they were yielded"
        if self.broadcasts:
            return f"{data}; the loss compares every label with every prediction."
        if self.mechanism.has_rank_bug and self.mechanism.is_rank_bug_masked:
            return f"{data}; labels and predictions both lack their last axis, so they have one shape."
        if self.mechanism.has_rank_bug:
            return f"{data}; labels and predictions are given one rank before the loss."
        return f"{data}."

    def loss(self, share: float) -> float:
        """Return the loss at the optimum with a share q of the rows independent, see the closed forms."""
        # One input a batch makes one prediction: a broadcast compares each label with it, as without.
        return self._loss(share, self.broadcasts and not self.coupling.has_one_input)

    def loss_without_broadcast(self, share: float) -> float:
        """Return the same if nothing broadcast: what a sound loss would show of these data."""
        return self._loss(share, False)

    def _loss(self, share: float, broadcasts: bool) -> float:
        form = closed_forms.trainable_loss if self.mechanism.trainable else closed_forms.fixed_loss
        return form(self.high, self.batch_size, share, broadcasts)


def of(mechanism: Mechanism, task: Task) -> Expectation:
    """Return what must come of a mechanism on a task.

    Args:
        mechanism: What a run does to its batches.
        task: Anything with `high` and `batch_size`.
    """
    return Expectation(mechanism, task.high, task.batch_size, coupling(mechanism), loss_difference(mechanism))
