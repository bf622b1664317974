"""The NumPy twin: what RMSprop adds to a Dense's closed form, by an independent training.

At a constant rate a trained Dense jitters about its optimum, and its loss lies above
the closed form by an excess that depends on the schedule, the draw and the batch.
The twin trains the same three numbers on the same kind of batches without TensorFlow.
It never looks at rows in the loop: the mean square is a quadratic form in the weights,
so the moments of a batch are all that a step needs. Several replicas run side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pitfalls.expectations import learned_slope

Shares = tuple[float, ...]
"""The share of independent rows in each of equally long parts of a training."""

REPLICAS = 8
STEPS_A_DRAW = 250
RHO, EPSILON = 0.9, 1e-7  # Keras's defaults for RMSprop


@dataclass(frozen=True)
class Excess:
    """What an optimizer adds to a closed form: its mean over replicas and one replica's standard deviation."""

    loss: float
    standard_error: float


@dataclass(frozen=True)
class Schedule:
    """A training's length: (first step, rate) pairs, all its steps, and the final steps that are judged."""

    rates: tuple[tuple[int, float], ...]
    steps: int
    window_steps: int

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        return [rate for first, rate in self.rates if first <= step][-1]


@dataclass(frozen=True)
class Moments:
    """What a step needs of its batches, one row a replica; x is (first, second, 1).

    Attributes:
        xx_r33: Means of x x'.
        xy_r3: Means of x y; with a loss that broadcasts, mean of x times mean of y.
        yy_r: Means of y**2.
    """

    xx_r33: np.ndarray
    xy_r3: np.ndarray
    yy_r: np.ndarray

    def loss_r(self, w_r3: np.ndarray) -> np.ndarray:
        """Return the mean square w'XXw - 2 w'Xy + yy."""
        wxx_r3 = np.einsum("rij,rj->ri", self.xx_r33, w_r3)
        return np.einsum("ri,ri->r", w_r3, wxx_r3 - 2 * self.xy_r3) + self.yy_r

    def gradient_r3(self, w_r3: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean square."""
        return 2 * (np.einsum("rij,rj->ri", self.xx_r33, w_r3) - self.xy_r3)


def batches(
    rng: np.random.Generator, high: int, batch_size: int, share_s: np.ndarray, broadcasts: bool
) -> Iterator[Moments]:
    """Draw the moments of one batch a step, in which a share of the rows has another row's label."""
    for first in range(0, len(share_s), STEPS_A_DRAW):
        share_s11 = share_s[first : first + STEPS_A_DRAW, np.newaxis, np.newaxis]
        shape_srb = (len(share_s11), REPLICAS, batch_size)
        x_srb3 = np.ones((*shape_srb, 3))
        x_srb3[..., :2] = rng.integers(0, high, size=(*shape_srb, 2))
        y_srb = x_srb3[..., :2].mean(axis=-1)
        if share_s11.any():
            other_srb = rng.integers(0, high, size=(*shape_srb, 2)).mean(axis=-1)
            y_srb = np.where(rng.random(shape_srb) < share_s11, other_srb, y_srb)
        xx_sr33 = x_srb3.swapaxes(-1, -2) @ x_srb3 / batch_size
        if broadcasts:
            xy_sr3 = x_srb3.mean(axis=2) * y_srb.mean(axis=2)[..., np.newaxis]
        else:
            xy_sr3 = (x_srb3 * y_srb[..., np.newaxis]).mean(axis=2)
        yy_sr = (y_srb**2).mean(axis=2)
        for step in range(len(share_s11)):
            yield Moments(xx_sr33[step], xy_sr3[step], yy_sr[step])


@lru_cache
def rmsprop_excess(
    high: int, batch_size: int, shares: Shares, broadcasts: bool, schedule: Schedule
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
        schedule: The training's rates and length.
    """
    rng = np.random.default_rng(0)
    limit = np.sqrt(6 / 3)
    w_r3 = np.column_stack([rng.uniform(-limit, limit, (REPLICAS, 2)), np.zeros(REPLICAS)])
    velocity_r3 = np.zeros_like(w_r3)
    share_s = np.array(shares)[np.arange(schedule.steps) * len(shares) // schedule.steps]
    share = share_s[-schedule.window_steps :].mean()
    best_r3 = np.tile(best_weights(high, batch_size, share, broadcasts), (REPLICAS, 1))
    total_r = np.zeros(REPLICAS)
    for step, moments in enumerate(batches(rng, high, batch_size, share_s, broadcasts)):
        if step >= schedule.steps - schedule.window_steps:
            total_r += moments.loss_r(w_r3) - moments.loss_r(best_r3)
        gradient_r3 = moments.gradient_r3(w_r3)
        velocity_r3 = RHO * velocity_r3 + (1 - RHO) * gradient_r3**2
        w_r3 = w_r3 - schedule.rate(step) * gradient_r3 / np.sqrt(velocity_r3 + EPSILON)
    excess_r = total_r / schedule.window_steps
    return Excess(float(excess_r.mean()), float(excess_r.std(ddof=1)))


def best_weights(high: int, batch_size: int, share: float, broadcasts: bool) -> np.ndarray:
    """Return (two weights, bias) of the best line: slope s through the mean (high - 1) / 2."""
    slope = learned_slope(batch_size, share, broadcasts)
    return np.array([slope / 2, slope / 2, (1 - slope) * (high - 1) / 2])
