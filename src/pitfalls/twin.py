"""The NumPy twin: what RMSprop adds to a Dense's closed form, by an independent training.

At a constant rate a trained Dense jitters about its optimum, and its loss lies above
the closed form by an excess that depends on the schedule, the draw and the batch.
The twin trains the same three numbers on the same kind of batches without TensorFlow.
It never looks at rows in the loop: the mean square is a quadratic form in the weights,
so the moments of a batch are all that a step needs. Several replicas run side by side.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pitfalls.expectations import learned_slope

Shares = tuple[float, ...]
"""The share of independent rows in each of equally long parts of a training."""

REPLICAS = 8
STEPS_A_DRAW = 100  # more would not stay in the processor's cache, and take twice as long
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


class Moments(NamedTuple):
    """What steps need of their batches, step by step and replica by replica; x is (first, second, 1).

    Attributes:
        xx_sr33: Means of x x'.
        xy_sr31: Means of x y; with a loss that broadcasts, mean of x times mean of y.
        yy_sr: Means of y**2.
    """

    xx_sr33: np.ndarray
    xy_sr31: np.ndarray
    yy_sr: np.ndarray

    def loss_sr(self, w_sr31: np.ndarray) -> np.ndarray:
        """Return the mean square w'XXw - 2 w'Xy + yy."""
        return (w_sr31 * (self.xx_sr33 @ w_sr31 - 2 * self.xy_sr31)).sum(axis=(-2, -1)) + self.yy_sr

    def gradient_r31(self, step: int, w_r31: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean square at one step."""
        return 2 * (self.xx_sr33[step] @ w_r31 - self.xy_sr31[step])


def moments_of_batches(
    rng: np.random.Generator, high: int, batch_size: int, share_s: np.ndarray, broadcasts: bool
) -> Moments:
    """Draw a batch for each step and replica, in which a share of the rows has another row's label."""
    shape_srb = (len(share_s), REPLICAS, batch_size)
    x_sr3b = np.ones((len(share_s), REPLICAS, 3, batch_size))
    x_sr3b[:, :, :2] = np.moveaxis(rng.integers(0, high, size=(*shape_srb, 2)), -1, -2)
    y_srb = (x_sr3b[:, :, 0] + x_sr3b[:, :, 1]) / 2
    if share_s.any():
        other_srb2 = rng.integers(0, high, size=(*shape_srb, 2))
        is_broken_srb = rng.random(shape_srb) < share_s[:, np.newaxis, np.newaxis]
        y_srb = np.where(is_broken_srb, (other_srb2[..., 0] + other_srb2[..., 1]) / 2, y_srb)
    y_srb1 = y_srb[..., np.newaxis]
    if broadcasts:
        xy_sr31 = x_sr3b.mean(axis=-1, keepdims=True) * y_srb1.mean(axis=2, keepdims=True)
    else:
        xy_sr31 = x_sr3b @ y_srb1 / batch_size
    xx_sr33 = x_sr3b @ x_sr3b.swapaxes(-1, -2) / batch_size
    return Moments(xx_sr33, xy_sr31, (y_srb**2).mean(axis=-1))


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
    w_r31 = np.zeros((REPLICAS, 3, 1))
    w_r31[:, :2, 0] = rng.uniform(-limit, limit, (REPLICAS, 2))
    velocity_r31 = np.zeros_like(w_r31)
    share_s = np.array(shares)[np.arange(schedule.steps) * len(shares) // schedule.steps]
    judged_from = schedule.steps - schedule.window_steps
    best_31 = best_weights(high, batch_size, share_s[judged_from:].mean(), broadcasts)
    total_r = np.zeros(REPLICAS)
    for first in range(0, schedule.steps, STEPS_A_DRAW):
        steps = range(first, min(first + STEPS_A_DRAW, schedule.steps))
        moments = moments_of_batches(rng, high, batch_size, share_s[steps.start : steps.stop], broadcasts)
        w_sr31 = np.empty((len(steps), REPLICAS, 3, 1))
        for i, step in enumerate(steps):
            w_sr31[i] = w_r31
            gradient_r31 = moments.gradient_r31(i, w_r31)
            velocity_r31 = RHO * velocity_r31 + (1 - RHO) * gradient_r31**2
            w_r31 = w_r31 - schedule.rate(step) * gradient_r31 / np.sqrt(velocity_r31 + EPSILON)
        excess_sr = moments.loss_sr(w_sr31) - moments.loss_sr(best_31)
        total_r += excess_sr[max(0, judged_from - first) :].sum(axis=0)
    excess_r = total_r / schedule.window_steps
    return Excess(float(excess_r.mean()), float(excess_r.std(ddof=1)))


def best_weights(high: int, batch_size: int, share: float, broadcasts: bool) -> np.ndarray:
    """Return (two weights, bias) of the best line, (3, 1): slope s through the mean (high - 1) / 2."""
    slope = learned_slope(batch_size, share, broadcasts)
    return np.array([[slope / 2], [slope / 2], [(1 - slope) * (high - 1) / 2]])
