"""Closed forms: what each cell of the matrix must measure, derived on paper.

Nothing here trains, and nothing here imports the code that does: a claim is
only worth checking against a number reached by another road. Every function
states its formula, when it holds, and its units. Losses are in squared label units.

A cell is described by its mechanism alone, so that a new generator, model or runtime
is claimed by the same formulas: what its buffers do, what its feed holds, what
shapes meet in its loss.
"""

from dataclasses import dataclass
from math import sqrt

Shape = tuple[int, ...]

BITES_FROM = 0.5
"""Where a race is said to bite, at least this share of the rows is independent."""

PREFETCH_BITES_FROM = 0.25
"""The same for Keras's `fit`, where 0.38 was seen once in place of 0.99 (docs/decisions/0009)."""

MASKED_TO = 0.05
"""Where a race is said to be masked, at most this share of the rows is independent."""


def variance_of_mean(high: int) -> float:
    """Return V = (high**2 - 1) / 24, the variance of the mean of two integers uniform on 0..high-1.

    One such integer has the variance (high**2 - 1) / 12; the mean of two has half of it.
    For ``high=100`` 416.625, also the loss of the best constant answer, (high - 1) / 2.
    """
    return (high**2 - 1) / 24


def stale_lambda_loss(high: int) -> float:
    """Return S = 2 V: the loss of a perfect fixed model whose inputs and labels come from different batches.

    Prediction and label are then independent means, and the variance of their
    difference is the sum of two variances: 833.25 for ``high=100``.
    """
    return 2 * variance_of_mean(high)


def broadcast_lambda_loss(high: int, batch_size: int) -> float:
    """Return B = 2 V (1 - 1/b): a perfect fixed model whose (b,) meets (b, 1) in an unprotected mean square.

    Of the b*b differences the b on the diagonal are 0, and the others are of
    independent means: 820.23 for ``high=100, batch_size=64``.
    """
    return stale_lambda_loss(high) * (1 - 1 / batch_size)


def fixed_loss(high: int, batch_size: int, share: float, broadcasts: bool) -> float:
    """Return q S, or q S + (1 - q) B where shapes broadcast: a fixed model with q of the rows independent.

    Args:
        high: Exclusive upper end of the draw.
        batch_size: Rows of a batch, b.
        share: The share q of rows whose inputs and labels are independent, 0 to 1.
        broadcasts: Whether the loss compares every label with every prediction.
    """
    sound = broadcast_lambda_loss(high, batch_size) if broadcasts else 0.0
    return share * stale_lambda_loss(high) + (1 - share) * sound


def learned_slope(batch_size: int, share: float, broadcasts: bool) -> float:
    """Return s: the slope of the line that a trainable linear model learns, 1 on sound batches.

    A share q of independent rows leaves the covariance (1 - q) V between the inputs'
    mean and the label. A loss that broadcasts compares each prediction with the mean
    label of its batch, in which its own label weighs 1/b.
    """
    return (1 - share) / (batch_size if broadcasts else 1)


def trainable_loss(high: int, batch_size: int, share: float, broadcasts: bool) -> float:
    """Return V (1 - s**2): a trainable linear model at its optimum, see `learned_slope`; s is 1 where all is sound.

    With ``share=1`` V = 416.625 for ``high=100``; with ``broadcasts`` C = V (1 - 1/b**2) = 416.52.
    At its optimum: what the optimizer adds on top is in `pitfalls.claims.twin`.
    """
    slope = learned_slope(batch_size, share, broadcasts)
    return variance_of_mean(high) * (1 - slope**2)


def chance_of_agreement(high: int) -> float:
    """Return P0 = (2 h**2 + 1) / (3 h**3): how often two independent rows have the same mean by chance.

    0.0067 at 100, 0.375 at 2.
    """
    return (2 * high**2 + 1) / (3 * high**3)


def chance_of_repeat(high: int, batch_size: int) -> float:
    """Return h**(-2 b): how often a batch equals the one before it by chance, row for row.

    Nothing at the article's sizes; 0.01 for ``high=10, batch_size=1``.
    """
    return float(high) ** (-2 * batch_size)


def independent_share(broken_rows: float, high: int) -> float:
    """Return q = r / (1 - P0): the share of independent rows behind a share r of rows seen broken."""
    return broken_rows / (1 - chance_of_agreement(high))


def stale_loss_standard_error(high: int, share: float, rows: int) -> float:
    """Return the standard error of q S when it is a mean over finitely many independent rows.

    The difference of two independent means is a sum of four uniform draws, of kurtosis
    3 - 1.2/4 = 2.7, so its square has the variance 1.7 S**2.

    Args:
        high: Exclusive upper end of the draw.
        share: The share of independent rows.
        rows: Rows that the loss was averaged over.
    """
    return stale_lambda_loss(high) * sqrt(1.7 * share / rows)


@dataclass(frozen=True)
class Mechanism:
    """All that decides what a cell must measure.

    Attributes:
        feed: full_queue, fit, workers or thread_queue.
        threaded: Whether a real thread fills the queue.
        expands_labels: Whether flat labels get a last axis before the loss.
        repairs_ranks: Whether the loss gives labels and predictions one rank first.
        trainable: Whether the model learns.
        inputs_offset: Bytes past a 64-byte boundary of the inputs' reused buffer; None if it is not reused.
        labels_offset: The same for the labels.
        label: Shape of the labels as they are yielded.
        prediction: Shape of the prediction.
        declared_rank: Rank of the output that the model declares.
    """

    feed: str
    threaded: bool
    expands_labels: bool
    repairs_ranks: bool
    trainable: bool
    inputs_offset: int | None
    labels_offset: int | None
    label: Shape
    prediction: Shape
    declared_rank: int


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
    `fit(generator)` copies each array as it pulls it, unless the buffer is 64-byte
    aligned: then it holds a reference too.
    """
    inputs_reused, labels_reused = m.inputs_offset is not None, m.labels_offset is not None
    if m.feed == "fit":
        inputs_reused, labels_reused = m.inputs_offset == 0, m.labels_offset == 0
    if not (inputs_reused or labels_reused):
        return TOGETHER
    both = inputs_reused and labels_reused
    if m.feed == "full_queue" and not m.threaded:
        return OVERWRITTEN_TOGETHER if both else APART
    if m.feed == "fit":
        return RACE_OPEN if both else RACE_PREFETCHED
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


def has_rank_bug(m: Mechanism) -> bool:
    """Tell whether labels lack their last axis, or the real output contradicts the declared one."""
    return len(m.label) == 1 or m.declared_rank != len(m.prediction)


def has_aliasing(m: Mechanism) -> bool:
    """Tell whether the generator yields a buffer that it refills."""
    return m.inputs_offset is not None or m.labels_offset is not None


def is_rank_bug_masked(m: Mechanism) -> bool:
    """Tell whether prediction and labels both lack the axis, so that the loss cannot show it."""
    return len(m.label) == 1 and len(m.prediction) == 1


def expected_effect(m: Mechanism) -> str:
    """Return what must become of the bug: clean, bites, masked or repaired."""
    if not (has_rank_bug(m) or has_aliasing(m)):
        return "clean"
    seen = coupling(m)
    if seen.least > 0 or broadcasts(m):
        return "bites"
    return "masked" if seen.is_rewritten or is_rank_bug_masked(m) else "repaired"


def expected_rules(m: Mechanism) -> list[str]:
    """Return the rules of the guard that must fire on a cell, sorted; none where it has no bug.

    The guard sees labels and predictions before anything gives them one rank.
    """
    disagree = len(m.label) != len(m.prediction)
    rules = {
        "aliased-batch": has_aliasing(m),
        "broadcast-loss": disagree,
        "declared-shape": m.declared_rank != len(m.prediction),
    }
    return sorted(rule for rule, fires in rules.items() if fires)


def broadcasts(m: Mechanism) -> bool:
    """Tell whether the loss averages more errors than the batch has rows."""
    return len(loss_difference(m)) == 2 and loss_difference(m)[1] > 1


def claimed_loss(m: Mechanism, high: int, batch_size: int, share: float) -> float:
    """Return the loss at the optimum with a share q of the rows independent, see the closed forms."""
    form = trainable_loss if m.trainable else fixed_loss
    return form(high, batch_size, share, broadcasts(m))


def formula(m: Mechanism) -> str:
    """Return the closed form in symbols: V, S, B and C as in this module, q the measured share."""
    seen = coupling(m)
    if m.trainable:
        if seen.is_race:
            return "V (1 - ((1 - q)/b)^2)" if broadcasts(m) else "V (1 - (1 - q)^2)"
        return "V" if seen.least else ("C = V (1 - 1/b^2)" if broadcasts(m) else "0")
    if seen.is_race:
        return "q S + (1 - q) B" if broadcasts(m) else "q S"
    return "S = 2 V" if seen.least else ("B = 2 V (1 - 1/b)" if broadcasts(m) else "0")


LISTING_FITS = {3: [False, True], 4: [True, True], 5: [True, True]}
"""Which of a probe's two labels must fit their inputs, by listing: a held batch of a reused buffer does not."""

ARTICLE_PRINTED = {
    1: "415.05, 416.69, 417.24 in epochs 98 to 100",
    2: "648.92, 0.0177, 0.0030 in epochs 1 to 3",
    3: "both inputs [[44, 2]], labels 10 and 23",
    4: "[[82, 4]] 43 and [[77, 34]] 55.5",
    5: "[[63, 31]] 47 and [[94, 25]] 59.5",
    6: "learns just as well",
    7: "0.0000e+00 in every epoch",
    8: "871.63, 830.25, 830.80",
}
"""What the 2019 article reports for each of its listings."""
