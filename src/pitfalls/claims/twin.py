"""The NumPy twin: what RMSprop adds to a Dense's closed form, by an independent training.

At a constant rate a trained Dense jitters about its optimum, and its loss lies above
the closed form by an excess that depends on the schedule, the draw and the batch.
The twin trains the same three numbers on the same kind of batches without TensorFlow.
It never looks at rows in the loop: the mean square is a quadratic form in the weights,
so the second moments of a batch are all that a step needs. Several replicas run side by side.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pitfalls.claims.closed_forms import learned_slope

Shares = tuple[float, ...]
"""The share of independent rows in each of equally long parts of a training."""

REPLICAS = 8
STEPS_A_DRAW = 100  # more would not stay in the processor's cache, and take twice as long


@dataclass(frozen=True)
class RMSprop:
    """An RMSprop: what it keeps of the mean square of a gradient at a step, and what it adds to it or to its root.

    A step is rate * gradient / (sqrt(square + inside) + outside).
    """

    rho: float
    inside: float = 0.0
    outside: float = 0.0

    def scaled(self, gradient: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return a gradient over the root of its mean square, which takes the gradient in."""
        square *= self.rho
        square += (1 - self.rho) * gradient**2
        scaled: np.ndarray = gradient / (np.sqrt(square + self.inside) + self.outside)
        return scaled


OPTIMIZERS = {"rmsprop": RMSprop(0.9, inside=1e-7), "torch_rmsprop": RMSprop(0.99, outside=1e-8)}
"""The defaults of Keras and of torch.optim, by the name that a result has for them."""


@dataclass(frozen=True)
class Excess:
    """What an optimizer adds to a closed form: its mean over replicas and one replica's standard deviation."""

    loss: float
    standard_error: float


@dataclass(frozen=True)
class Schedule:
    """A training's length: (first step, rate) pairs, all its steps, the final steps that are judged, and its optimizer."""

    rates: tuple[tuple[int, float], ...]
    steps: int
    window_steps: int
    optimizer: str = "rmsprop"

    def rate_of_steps(self) -> list[float]:
        """Return the learning rate of every step."""
        firsts, rates = zip(*self.rates, strict=True)
        return np.array(rates)[np.searchsorted(firsts, np.arange(self.steps), side="right") - 1].tolist()


def moments_of_batches(
    rng: np.random.Generator,
    high: int,
    batch_size: int,
    share_s: np.ndarray,
    broadcasts: bool,
    has_one_input: bool = False,
) -> np.ndarray:
    """Draw a batch for each step and replica, and return all that a step needs of it.

    Args:
        rng: Where the draws come from.
        high: Exclusive upper end of the draw.
        batch_size: Rows of a batch.
        share_s: For each step the chance that the batch has another batch's labels: a race breaks whole batches.
        broadcasts: Whether the loss compares every label with every prediction.
        has_one_input: Whether all rows of a batch have the inputs of its last one; there is then no other share.

    Returns:
        (steps, replicas, 4, 4), the means of z z' over a batch, z being (first input, second
        input, 1, label): with v = (two weights, bias, -1) a row's error is z'v, the mean
        square v'Mv, and its gradient 2 Mv. With a loss that broadcasts, the mean of a product
        of input and label is the product of their means.
    """
    shape_sr2b = (len(share_s), REPLICAS, 2, batch_size)
    z_sr4b = np.ones((len(share_s), REPLICAS, 4, batch_size))
    z_sr4b[:, :, :2] = rng.integers(0, high, size=shape_sr2b, dtype=np.int32)
    label_srb = (z_sr4b[:, :, 0] + z_sr4b[:, :, 1]) / 2
    if has_one_input:
        z_sr4b[:, :, :2] = z_sr4b[:, :, :2, -1:]
    elif share_s.any():
        other_sr2b = rng.integers(0, high, size=shape_sr2b, dtype=np.int32)
        is_broken_sr = rng.random(label_srb.shape[:2]) < share_s[:, np.newaxis]
        label_srb = np.where(
            is_broken_sr[:, :, np.newaxis], (other_sr2b[:, :, 0] + other_sr2b[:, :, 1]) / 2, label_srb
        )
    z_sr4b[:, :, 3] = label_srb
    moments_sr44 = z_sr4b @ z_sr4b.swapaxes(-1, -2) / batch_size
    if broadcasts:
        product_sr3 = moments_sr44[..., :3, 2] * moments_sr44[..., 2, 3, np.newaxis]
        moments_sr44[..., :3, 3] = moments_sr44[..., 3, :3] = product_sr3
    return moments_sr44


def losses_of(moments_44: np.ndarray, v_4: np.ndarray) -> np.ndarray:
    """Return the mean squares v'Mv of weights on batches: (..., 4, 4) and (..., 4) give (...)."""
    return np.einsum("...i,...ij,...j->...", v_4, moments_44, v_4)


@lru_cache
def rmsprop_excess(
    high: int,
    batch_size: int,
    shares: Shares,
    broadcasts: bool,
    schedule: Schedule,
    has_one_input: bool = False,
) -> Excess:
    """Return what RMSprop adds to the loss of a Dense(1) over the final window of a schedule.

    The excess is measured against the best weights on the same batches, so that the
    noise of the batches cancels. Weights start as Keras's do: Glorot uniform, bias 0.
    A race's share changes while it trains, and a late change leaves an excess: the bias
    must travel to its new place at no more than the rate a step.

    Args:
        high: Exclusive upper end of the draw.
        batch_size: Rows of a batch.
        shares: The share of rows whose inputs and labels are independent, part by part.
        broadcasts: Whether the loss compares every label with every prediction.
        schedule: The training's rates, length and optimizer.
        has_one_input: Whether all rows of a batch have the inputs of its last one.
    """
    rng = np.random.default_rng(0)
    limit = np.sqrt(6 / 3)
    v_r4 = np.zeros((REPLICAS, 4))
    v_r4[:, :2] = rng.uniform(-limit, limit, (REPLICAS, 2))
    v_r4[:, 3] = -1
    w_r3 = v_r4[:, :3]  # a view: what is trained
    square_r3 = np.zeros_like(w_r3)
    share_s = np.array(shares)[np.arange(schedule.steps) * len(shares) // schedule.steps]
    rate_s, optimizer = schedule.rate_of_steps(), OPTIMIZERS[schedule.optimizer]
    judged_from = schedule.steps - schedule.window_steps
    best_4 = best_weights(high, batch_size, share_s[judged_from:].mean(), broadcasts)
    total_r = np.zeros(REPLICAS)
    for first in range(0, schedule.steps, STEPS_A_DRAW):
        part = slice(first, first + STEPS_A_DRAW)
        moments_sr44 = moments_of_batches(rng, high, batch_size, share_s[part], broadcasts, has_one_input)
        v_sr4 = np.empty(moments_sr44.shape[:-1])
        for i, rate in enumerate(rate_s[part]):
            v_sr4[i] = v_r4
            gradient_r3 = 2 * (moments_sr44[i] @ v_r4[:, :, np.newaxis])[:, :3, 0]
            w_r3 -= rate * optimizer.scaled(gradient_r3, square_r3)
        excess_sr = losses_of(moments_sr44, v_sr4) - losses_of(moments_sr44, best_4)
        total_r += excess_sr[max(0, judged_from - first) :].sum(axis=0)
    excess_r = total_r / schedule.window_steps
    return Excess(float(excess_r.mean()), float(excess_r.std(ddof=1)))


def best_weights(high: int, batch_size: int, share: float, broadcasts: bool) -> np.ndarray:
    """Return (two weights, bias, -1) of the best line: slope s through the mean (high - 1) / 2."""
    slope = learned_slope(batch_size, share, broadcasts)
    return np.array([slope / 2, slope / 2, (1 - slope) * (high - 1) / 2, -1])
