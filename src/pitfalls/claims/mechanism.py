"""Mechanisms: what a run does to its batches, and how inputs and labels then reach the model.

A cell is described by its mechanism alone, so that a new generator, model or runtime
is claimed by the same formulas: what its buffers do, what its feed holds, what
shapes meet in its loss. What must come of it: `pitfalls.claims.expectation`.
"""

from dataclasses import dataclass

from pitfalls.claims import closed_forms

Shape = tuple[int, ...]

BITES_FROM = 0.5
"""Where a race is said to bite, at least this share of the rows is independent."""

PREFETCH_BITES_FROM = 0.25
"""The same for Keras's `fit`, where 0.38 was seen once in place of 0.99 (docs/decisions/0009)."""

MASKED_TO = 0.05
"""Where a race is said to be masked, at most this share of the rows is independent."""

RARE_TO = 0.45
"""Where a race is said to be rare, at most this share of the rows is independent.

Measured (docs/decisions/0017): 0 to 0.001 on idle cores, up to 0.28 where other processes take them.
"""

RESENT_FROM = RARE_TO
"""Where a worker sends one tensor again and again, more than a rare race: 0.99 on idle cores, 0.66 on busy ones."""

USED_AT_ONCE = ("fit", "loader")
"""Feeds by which PyTorch is done with a batch before the next is made."""

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


STEPS_IN_FLIGHT = 33
"""So many steps JAX holds on a CPU: 32 that are enqueued, and one whose call waits for a place.

Measured: behind busy cores 100 steps had four contents of one buffer, and no more than 33 read one (tests/lab/test_jax.py).
"""


@dataclass(frozen=True)
class Mechanism:
    """All that decides what a cell must measure.

    Attributes:
        framework: tensorflow, jax or torch.
        dtype: Of the inputs, as they are yielded.
        load: Side of the matrices that a step multiplies besides its own work, 0 where it has none.
        feed: An option of conf/feed.
        yields: What the generator yields: arrays, samples or tensors.
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
    yields: str
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
    def most_readers(self) -> int:
        """How many steps may read one content of a reused buffer."""
        return STEPS_IN_FLIGHT if self.framework == "jax" else 1

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
    """How inputs and labels reach the model: the bounds on q, and whether a race decides it.

    Attributes:
        least: Of q.
        most: Of q.
        is_race: Whether q is measured, and not known beforehand.
        is_rewritten: Whether rewritten content reaches the model.
        is_rare: Whether a race breaks so few batches that a window may show none.
        has_one_input: Whether all rows of a batch have the inputs of its last one.
    """

    least: float
    most: float
    is_race: bool
    is_rewritten: bool
    is_rare: bool = False
    has_one_input: bool = False


TOGETHER = Coupling(0, 0, is_race=False, is_rewritten=False)
OVERWRITTEN_TOGETHER = Coupling(0, 0, is_race=False, is_rewritten=True)
APART = Coupling(1, 1, is_race=False, is_rewritten=True)
RACE_APART = Coupling(BITES_FROM, 1, is_race=True, is_rewritten=True)
RACE_PREFETCHED = Coupling(PREFETCH_BITES_FROM, 1, is_race=True, is_rewritten=True)
RACE_TOGETHER = Coupling(0, MASKED_TO, is_race=True, is_rewritten=True)
RACE_OPEN = Coupling(0, 1, is_race=True, is_rewritten=True)
RACE_RARE = Coupling(0, RARE_TO, is_race=True, is_rewritten=True, is_rare=True)
RACE_RESENT = Coupling(RESENT_FROM, 1, is_race=True, is_rewritten=True)


def coupling(m: Mechanism) -> Coupling:
    """Return how inputs and labels reach the model under this mechanism.

    A feed that holds references shows a batch as it is when it is read: if one of the
    two arrays was refilled, they are independent; if both were, they still match.
    Where the framework takes an array, it copies it there and then, unless the buffer is 64-byte
    aligned: then it holds a reference too. JAX only enqueues a step, and reads when it comes to it.
    """
    inputs_reused, labels_reused = m.inputs_offset is not None, m.labels_offset is not None
    if m.framework == "torch" and m.feed != "workers":
        return coupling_in_torch(m, inputs_reused, labels_reused)
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


def coupling_in_torch(m: Mechanism, inputs_reused: bool, labels_reused: bool) -> Coupling:
    """Return the same for PyTorch, which shares a buffer's memory wherever it stands.

    A worker of a DataLoader sends its batches from a thread of its own. An array is copied into shared memory there,
    mostly before the next batch is made. A tensor is moved there itself, once and for good, so that the
    worker's later writes reach what was received before.
    """
    if m.feed in USED_AT_ONCE or not (inputs_reused or labels_reused):
        return TOGETHER
    if m.feed == "collate" and not labels_reused:
        return one_input(m.label[0])
    if m.feed == "loader_workers":
        return RACE_RESENT if m.yields == "tensors" and not labels_reused else RACE_RARE
    return RACE_OPEN if labels_reused else RACE_APART


def one_input(batch_size: int) -> Coupling:
    """Return what comes of a collate that holds as many references to one sample as a batch has rows."""
    if batch_size == 1:
        return TOGETHER
    share = closed_forms.one_input_share(batch_size)
    return Coupling(share, share, is_race=False, is_rewritten=True, has_one_input=True)
