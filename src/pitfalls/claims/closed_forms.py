"""Closed forms: what each cell of the matrix must measure, derived on paper.

Nothing here trains, and nothing here imports the code that does: a claim is
only worth checking against a number reached by another road. Every function
states its formula, when it holds, and its units. Losses are in squared label units.

Which of them holds for a cell follows from its mechanism: `pitfalls.claims.expectation`.
"""

from math import sqrt


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


def one_input_share(batch_size: int) -> float:
    """Return q = 1 - 1/b: the share of independent rows where all rows of a batch have the inputs of its last one.

    A collate that holds b references to one refilled sample makes such batches, and one label in b
    fits. They cost exactly what a broadcast costs. For a perfect fixed model q S = 2 V (1 - 1/b) = B,
    and a loss that broadcasts on top adds nothing, as all predictions of a batch are one. For a trainable
    linear model, E(label | inputs) = mean/b + (1 - 1/b) mu: slope 1/b, and V (1 - 1/b**2) = C,
    broadcast or not. 63/64 for ``batch_size=64``.
    """
    return 1 - 1 / batch_size


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


def queued_loss_standard_error(high: int, rows: int) -> float:
    """Return the standard error of S behind a full queue: a batch is the inputs of one step and the labels of another.

    Losses (A - B)**2 and (B - C)**2 of two such steps share B, the mean of two uniform draws, of kurtosis 3 - 1.2/2 = 2.4.
    Their covariance is the variance of (B - mu)**2, 1.4 V**2, beside the 1.7 S**2 = 6.8 V**2 of each, and a step shares a
    batch with two others: the variance of the mean is (6.8 + 2 * 1.4) V**2 over the rows.

    Args:
        high: Exclusive upper end of the draw.
        rows: Rows that the loss was averaged over.
    """
    return variance_of_mean(high) * sqrt((6.8 + 2 * 1.4) / rows)


def held_inputs_loss_standard_error(high: int, share: float, rows: int) -> float:
    """Return the standard error that q S has from few inputs, where many steps read one content of a buffer.

    Given its inputs' mean A, a stale row costs (A - mu)**2 + V on average over the labels. This varies by 1.4 V**2,
    as in `queued_loss_standard_error`, and only over the inputs that differ: labels of more steps do not help.

    Args:
        high: Exclusive upper end of the draw.
        share: The share q of independent rows.
        rows: Rows of inputs that differ, of all that the loss was averaged over.
    """
    return variance_of_mean(high) * share * sqrt(1.4 / rows)


def one_input_loss_standard_error(high: int, batch_size: int, batches: int) -> float:
    """Return the standard error of B where all rows of a batch have the inputs of its last one: one draw a batch counts.

    A batch costs the mean of (x - y)**2 over its labels, b - 1 of them independent of x. Given x that is
    (1 - 1/b) ((x - mu)**2 + V) on average, which varies by 1.4 V**2 (1 - 1/b)**2, as in `queued_loss_standard_error`;
    what is left of the 6.8 V**2 of each label, 5.4 V**2, is averaged over the labels.

    Args:
        high: Exclusive upper end of the draw.
        batch_size: Rows of a batch, b.
        batches: Batches that the loss was averaged over.
    """
    q = one_input_share(batch_size)
    return variance_of_mean(high) * sqrt((1.4 * q**2 + 5.4 * q / batch_size) / batches)


def one_input_rows_standard_error(high: int, batch_size: int, batches: int) -> float:
    """Return the standard error of a share of broken rows where all rows of a batch have the inputs of its last one.

    A label agrees with x by a chance p(x) = (h - |2 (x - mu)|) / h**2, whose mean is P0 and whose mean square
    over the draw is the sum of p**3, (h**3 + h**2 (h - 1)**2 / 2) / h**6.

    Args:
        high: Exclusive upper end of the draw.
        batch_size: Rows of a batch, b.
        batches: Batches that the share was averaged over.
    """
    q, p0 = one_input_share(batch_size), chance_of_agreement(high)
    square = (high + (high - 1) ** 2 / 2) / high**4
    return sqrt((q**2 * (square - p0**2) + q / batch_size * (p0 - square)) / batches)
