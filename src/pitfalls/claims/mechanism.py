"""Mechanisms: what a run does to its batches, and the one object that says what must come of it.

A cell is described by its mechanism alone, so that a new generator, model or runtime
is claimed by the same formulas: what its buffers do, what its feed holds, what
shapes meet in its loss.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from pitfalls.claims import closed_forms

Shape = tuple[int, ...]
Effect = Literal["bites", "masked", "repaired", "clean"]

BITES_FROM = 0.5
"""Where a race is said to bite, at least this share of the rows is independent."""

PREFETCH_BITES_FROM = 0.25
"""The same for Keras's `fit`, where 0.38 was seen once in place of 0.99 (docs/decisions/0009)."""

MASKED_TO = 0.05
"""Where a race is said to be masked, at most this share of the rows is independent."""

TAKES_ARRAYS = ("fit", "dispatch", "prefetch")
"""Feeds that hand arrays to the framework as they are pulled: it copies them then and there, or shares their memory."""

SHARED_BY_JAX = ("float32", "int32")
"""What JAX need not convert, and so may share; without 64-bit types everything longer is converted."""

COPIES_LATE = ("asarray", "array_copy")
"""Ways to hand an array over to JAX that copy it, but only when the device comes to it."""

LONG_ENOUGH = {"dispatch": 200, "prefetch": 0, "fit": 300}
"""From this load on a step in JAX still runs when the next batch is made, by feed: Keras's own work takes longer.

Measured (docs/decisions/0016): a shorter step may have been read in time, or not, and nothing bounds q.
"""


class Task(Protocol):
    """What is learned: the mean of two integers uniform on 0..high-1, in batches of batch_size."""

    @property
    def high(self) -> int:
        """Exclusive upper end of the draw."""

    @property
    def batch_size(self) -> int:
        """Rows of a batch, b."""


@dataclass(frozen=True)
class Mechanism:
    """All that decides what a cell must measure.

    Attributes:
        framework: tensorflow or jax.
        dtype: Of the inputs, as they are yielded.
        load: Side of the matrices that a step multiplies besides its own work, 0 where it has none.
        feed: full_queue, fit, workers, thread_queue, dispatch or prefetch.
        threaded: Whether a real thread fills the queue.
        hand_over: What is called on an array before a step is given it: as_it_is, asarray, array_copy, device_put,
            device_put_no_alias or numpy_copy.
        waits: What is waited for before the next batch is made: nothing, batch or step.
        expands_labels: Whether flat labels get a last axis before the loss.
        repairs_ranks: Whether the loss gives labels and predictions one rank first.
        trainable: Whether the model learns.
        inputs_offset: Bytes past a 64-byte boundary of the inputs' reused buffer; None if it is not reused.
        labels_offset: The same for the labels.
        label: Shape of the labels as they are yielded.
        prediction: Shape of the prediction.
        declared_rank: Rank of the output that the model declares.
    """

    framework: str
    dtype: str
    load: int
    feed: str
    threaded: bool
    hand_over: str
    waits: str
    expands_labels: bool
    repairs_ranks: bool
    trainable: bool
    inputs_offset: int | None
    labels_offset: int | None
    label: Shape
    prediction: Shape
    declared_rank: int

    @property
    def has_aliasing(self) -> bool:
        """Whether the generator yields a buffer that it refills."""
        return self.inputs_offset is not None or self.labels_offset is not None

    def shares(self, offset: int | None) -> bool:
        """Tell whether the framework still reads a reused buffer later, by its offset from a 64-byte boundary.

        `jax.device_put` shares such a buffer, with ``may_alias=False`` too. `jnp.asarray` and ``jnp.array(x, copy=True)``
        copy it, but only when the device comes to it: in time if that copy is waited for. Measured: docs/upstream/jax.md.
        """
        is_taken = offset == 0 and (self.framework == "tensorflow" or self.dtype in SHARED_BY_JAX)
        is_copied = self.hand_over == "numpy_copy" or (
            self.hand_over in COPIES_LATE and self.waits == "batch"
        )
        return is_taken and not (is_copied or self.waits == "step")

    @property
    def has_rank_bug(self) -> bool:
        """Whether labels lack their last axis, or the real output contradicts the declared one."""
        return len(self.label) == 1 or self.declared_rank != len(self.prediction)

    @property
    def is_rank_bug_masked(self) -> bool:
        """Whether prediction and labels both lack the axis, so that the loss cannot show it."""
        return len(self.label) == 1 and len(self.prediction) == 1


@dataclass(frozen=True)
class Coupling:
    """How inputs and labels reach the model: the bounds on q, and whether a race decides it."""

    least: float
    most: float
    is_race: bool
    is_rewritten: bool


TOGETHER = Coupling(0, 0, is_race=False, is_rewritten=False)
OVERWRITTEN_TOGETHER = Coupling(0, 0, is_race=False, is_rewritten=True)
APART = Coupling(1, 1, is_race=False, is_rewritten=True)
RACE_APART = Coupling(BITES_FROM, 1, is_race=True, is_rewritten=True)
RACE_PREFETCHED = Coupling(PREFETCH_BITES_FROM, 1, is_race=True, is_rewritten=True)
RACE_TOGETHER = Coupling(0, MASKED_TO, is_race=True, is_rewritten=True)
RACE_OPEN = Coupling(0, 1, is_race=True, is_rewritten=True)


def coupling(m: Mechanism) -> Coupling:
    """Return how inputs and labels reach the model under this mechanism.

    A feed that holds references shows a batch as it is when it is read: if one of the
    two arrays was refilled, they are independent; if both were, they still match.
    Where the framework takes an array, it copies it there and then, unless the buffer is 64-byte
    aligned: then it holds a reference too. JAX only enqueues a step, and reads when it comes to it.
    """
    inputs_reused, labels_reused = m.inputs_offset is not None, m.labels_offset is not None
    if m.feed in TAKES_ARRAYS:
        inputs_reused, labels_reused = m.shares(m.inputs_offset), m.shares(m.labels_offset)
    if not (inputs_reused or labels_reused):
        return TOGETHER
    both = inputs_reused and labels_reused
    if m.feed == "full_queue" and not m.threaded:
        return OVERWRITTEN_TOGETHER if both else APART
    if m.feed in TAKES_ARRAYS and (both or (m.framework == "jax" and m.load < LONG_ENOUGH[m.feed])):
        return RACE_OPEN
    if m.feed == "fit" and m.framework == "tensorflow":
        return RACE_PREFETCHED
    return RACE_TOGETHER if both else RACE_APART


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
        """What must become of the bug: clean, bites, masked or repaired; None where a race may end in any of them."""
        m = self.mechanism
        if not (m.has_rank_bug or m.has_aliasing):
            return "clean"
        if self.coupling.least > 0 or self.broadcasts:
            return "bites"
        if self.coupling == RACE_OPEN:
            return None
        return "masked" if self.coupling.is_rewritten or m.is_rank_bug_masked else "repaired"

    @cached_property
    def rules(self) -> list[str]:
        """The rules of the guard that must fire, sorted; none where there is no bug.

        The guard sees labels and predictions before anything gives them one rank.
        """
        m = self.mechanism
        rules = {
            "aliased-batch": m.has_aliasing,
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
            return "V" if coupling.least else ("C = V (1 - 1/b^2)" if self.broadcasts else "0")
        if coupling.is_race:
            return "q S + (1 - q) B" if self.broadcasts else "q S"
        return "S = 2 V" if coupling.least else ("B = 2 V (1 - 1/b)" if self.broadcasts else "0")

    @cached_property
    def reason(self) -> str:
        """Why the mechanism leads to its claim, in one sentence."""
        if self.coupling.least:
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
        return self._loss(share, self.broadcasts)

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
