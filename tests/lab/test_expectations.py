"""The closed forms, each against an independent Monte Carlo or against every case counted."""

from itertools import product

import numpy as np
import pytest

from pitfalls.claims import closed_forms, expectation

HIGHS = [2, 10, 100]
BATCH_SIZES = [1, 4, 16, 64]
ROWS = 400_000
ERRORS = 4


def mean_pairs(rng: np.random.Generator, high: int, *shape: int) -> np.ndarray:
    """Draw means of two integers uniform on 0..high-1, one by one pair."""
    return rng.integers(high, size=shape) / 2 + rng.integers(high, size=shape) / 2


def agrees(measured: np.ndarray, claimed: float) -> bool:
    """Tell whether the mean of independent measurements is within four standard errors of a claim."""
    standard_error = measured.std(ddof=1) / np.sqrt(measured.size)
    return abs(measured.mean() - claimed) <= ERRORS * standard_error + 1e-12


@pytest.mark.parametrize("high", [2, 3, 10, 30])
def test_the_variance_of_the_mean_is_that_of_every_pair_counted(high):
    """All h*h pairs are equally likely: their means vary by (h*h - 1) / 24."""
    means = [(a + b) / 2 for a, b in product(range(high), repeat=2)]
    assert closed_forms.variance_of_mean(high) == pytest.approx(np.var(means), rel=1e-12)


def test_the_symbols_have_the_values_that_the_article_s_sizes_give():
    """V, S, B and C at high 100 and batch 64, to the digits that people compare with."""
    assert closed_forms.variance_of_mean(100) == pytest.approx(416.625, abs=1e-9)
    assert closed_forms.stale_lambda_loss(100) == pytest.approx(833.25, abs=1e-9)
    assert closed_forms.broadcast_lambda_loss(100, 64) == pytest.approx(820.23, abs=5e-3)
    assert closed_forms.trainable_loss(100, 64, 0, True) == pytest.approx(416.52, abs=5e-3)


@pytest.mark.parametrize("high", HIGHS)
def test_a_stale_batch_costs_a_perfect_model_twice_the_variance(high):
    """A model that computes the mean exactly still pays 2 Var(m) when its inputs are another batch's."""
    rng = np.random.default_rng(1)
    error = mean_pairs(rng, high, ROWS) - mean_pairs(rng, high, ROWS)
    assert agrees(error**2, closed_forms.stale_lambda_loss(high))
    assert not agrees(error**2, closed_forms.variance_of_mean(high))


@pytest.mark.parametrize(("high", "batch_size"), [*product(HIGHS, BATCH_SIZES)])
def test_a_broadcast_costs_a_perfect_model_all_but_its_diagonal(high, batch_size):
    """(b,) against (b, 1): of the b*b differences only the b of a row with itself are 0."""
    rng = np.random.default_rng(2)
    prediction_nb = mean_pairs(rng, high, 40_000 // batch_size, batch_size)
    label_nb1 = prediction_nb[:, :, np.newaxis]
    loss_n = ((prediction_nb[:, np.newaxis, :] - label_nb1) ** 2).mean(axis=(1, 2))
    assert agrees(loss_n, closed_forms.broadcast_lambda_loss(high, batch_size))


@pytest.mark.parametrize("broadcasts", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("high", "batch_size"), [(2, 4), (10, 1), (10, 16), (100, 64)])
def test_a_share_of_stale_batches_costs_a_perfect_model_its_share(high, batch_size, share, broadcasts):
    """A batch is stale as a whole or not at all; the loss lies between the sound one and the stale one."""
    rng = np.random.default_rng(3)
    batches = 8_000
    prediction_nb = mean_pairs(rng, high, batches, batch_size)
    stale_n1 = rng.random((batches, 1)) < share
    label_nb = np.where(stale_n1, mean_pairs(rng, high, batches, batch_size), prediction_nb)
    if broadcasts:
        loss_n = ((prediction_nb[:, np.newaxis, :] - label_nb[:, :, np.newaxis]) ** 2).mean(axis=(1, 2))
    else:
        loss_n = ((prediction_nb - label_nb) ** 2).mean(axis=1)
    assert agrees(loss_n, closed_forms.fixed_loss(high, batch_size, share, broadcasts))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("high", HIGHS)
def test_a_line_fitted_to_partly_stale_rows_has_the_slope_and_the_loss_claimed(high, share):
    """Least squares on all rows at once finds slope 1 - q and leaves V (1 - (1 - q)**2)."""
    rng = np.random.default_rng(4)
    x = mean_pairs(rng, high, ROWS)
    y = np.where(rng.random(ROWS) < share, mean_pairs(rng, high, ROWS), x)
    slope, intercept = np.polyfit(x, y, 1)
    residual = y - (slope * x + intercept)
    slope_error = residual.std() / (x.std() * np.sqrt(ROWS))
    assert slope == pytest.approx(
        closed_forms.learned_slope(1, share, False), abs=ERRORS * slope_error + 1e-12
    )
    assert agrees(residual**2, closed_forms.trainable_loss(high, 1, share, False))


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize(("high", "batch_size"), [(2, 4), (10, 4), (10, 16), (100, 4), (100, 64)])
def test_a_line_fitted_through_a_broadcast_has_the_slope_and_the_loss_claimed(high, batch_size, share):
    """Every prediction is fitted to every label of its batch, so a row's own label weighs 1/b."""
    rng = np.random.default_rng(5)
    batches = ROWS // batch_size
    x_nb = mean_pairs(rng, high, batches, batch_size)
    stale_n1 = rng.random((batches, 1)) < share
    y_nb = np.where(stale_n1, mean_pairs(rng, high, batches, batch_size), x_nb)
    # Over all pairs of a batch: mean of x, of y, of x*x, of x*y and of y*y, one of each a batch.
    centre = (high - 1) / 2
    x_nb, y_nb = x_nb - centre, y_nb - centre
    xx_n, yy_n = (x_nb**2).mean(axis=1), (y_nb**2).mean(axis=1)
    xy_n = x_nb.mean(axis=1) * y_nb.mean(axis=1)
    slope = closed_forms.learned_slope(batch_size, share, True)
    # The loss of that slope is as claimed, and its gradient is nought: it is the best one.
    assert agrees(
        yy_n - 2 * slope * xy_n + slope**2 * xx_n, closed_forms.trainable_loss(high, batch_size, share, True)
    )
    assert agrees(slope * xx_n - xy_n, 0.0)
    assert not agrees(2 * slope * xx_n - xy_n, 0.0)


def one_input_batches(rng: np.random.Generator, high: int, batches: int, batch_size: int):
    """Draw x (n,) and labels (n, b) of batches whose rows all have the inputs of the last one."""
    y_nb = mean_pairs(rng, high, batches, batch_size)
    return y_nb[:, -1].copy(), y_nb


ONE_INPUT = [(2, 4), (10, 2), (10, 16), (100, 4), (100, 64)]


@pytest.mark.parametrize(("high", "batch_size"), ONE_INPUT)
def test_one_input_a_batch_costs_a_perfect_model_what_a_broadcast_costs(high, batch_size):
    """Row by row, and again where every label meets every prediction: all predictions of a batch are one."""
    x_n, y_nb = one_input_batches(np.random.default_rng(9), high, ROWS // batch_size, batch_size)
    loss_n = ((x_n[:, np.newaxis] - y_nb) ** 2).mean(axis=1)
    x_nb1 = np.repeat(x_n[:, np.newaxis], batch_size, axis=1)[:, :, np.newaxis]
    crossed_n = ((x_nb1 - y_nb[:, np.newaxis, :]) ** 2).mean(axis=(1, 2))
    assert crossed_n == pytest.approx(loss_n)
    share = closed_forms.one_input_share(batch_size)
    assert closed_forms.fixed_loss(high, batch_size, share, False) == pytest.approx(
        closed_forms.broadcast_lambda_loss(high, batch_size)
    )
    assert agrees(loss_n, closed_forms.fixed_loss(high, batch_size, share, False))
    if batch_size == 4:  # at 64 the two are 13 apart, and so many batches scatter by 6
        assert not agrees(loss_n, closed_forms.fixed_loss(high, batch_size, share, True))


@pytest.mark.parametrize(("high", "batch_size"), ONE_INPUT)
def test_a_line_fitted_to_one_input_a_batch_has_the_slope_and_the_loss_claimed(high, batch_size):
    """One label in b belongs to the input: slope 1/b, and what a broadcast leaves."""
    x_n, y_nb = one_input_batches(np.random.default_rng(10), high, ROWS // batch_size, batch_size)
    centre, share = (high - 1) / 2, closed_forms.one_input_share(batch_size)
    slope = closed_forms.learned_slope(batch_size, share, False)
    assert slope == pytest.approx(1 / batch_size)
    error_nb = y_nb - centre - slope * (x_n - centre)[:, np.newaxis]
    loss = closed_forms.trainable_loss(high, batch_size, share, False)
    assert loss == pytest.approx(closed_forms.trainable_loss(high, batch_size, 0, True))
    assert agrees((error_nb**2).mean(axis=1), loss)
    assert agrees(((x_n - centre)[:, np.newaxis] * error_nb).mean(axis=1), 0.0)  # no gradient is left


@pytest.mark.parametrize(("high", "batch_size"), ONE_INPUT)
def test_the_standard_errors_of_one_input_a_batch_are_those_of_many_trainings(high, batch_size):
    """One draw a batch counts, for the loss and for the share of broken rows; independent rows would scatter less."""
    batches, trainings = 40, 4_000
    x_n, y_nb = one_input_batches(np.random.default_rng(11), high, batches * trainings, batch_size)
    loss_t = ((x_n[:, np.newaxis] - y_nb) ** 2).mean(axis=1).reshape(trainings, batches).mean(axis=1)
    rows_t = (x_n[:, np.newaxis] != y_nb).mean(axis=1).reshape(trainings, batches).mean(axis=1)
    # A standard deviation from 4000 samples scatters by 1.1 %. The draw is of whole numbers: of two integers
    # 0 or 1 the mean has a kurtosis of 2 where the formula's continuous one has 2.4, and at 10 of 2.39.
    near = 0.05 if high > 2 else 0.25
    assert loss_t.std() == pytest.approx(
        closed_forms.one_input_loss_standard_error(high, batch_size, batches), rel=near
    )
    assert rows_t.std() == pytest.approx(
        closed_forms.one_input_rows_standard_error(high, batch_size, batches), rel=0.05
    )
    if batch_size > 4:
        rows = batches * batch_size
        assert closed_forms.stale_loss_standard_error(high, 1.0, rows) < 0.6 * loss_t.std()


@pytest.mark.parametrize("high", [2, 3, 10])
def test_two_rows_agree_by_chance_as_often_as_every_case_counted(high):
    """All h**4 quadruples are equally likely; a stale row looks sound when both sums are the same."""
    agreeing = sum(a + b == c + d for a, b, c, d in product(range(high), repeat=4))
    assert closed_forms.chance_of_agreement(high) == pytest.approx(agreeing / high**4, rel=1e-12)


def test_two_rows_agree_by_chance_as_often_as_the_sums_convolved_at_100():
    """At 100 a count of the sums does it: P0 is the sum of their squared probabilities."""
    ways = np.convolve(np.ones(100), np.ones(100)) / 100**2
    assert closed_forms.chance_of_agreement(100) == pytest.approx(np.sum(ways**2), rel=1e-12)
    assert closed_forms.chance_of_agreement(100) == pytest.approx(0.0067, abs=5e-5)


@pytest.mark.parametrize(("high", "batch_size"), [(2, 1), (3, 1), (2, 2)])
def test_a_batch_repeats_by_chance_as_often_as_every_case_counted(high, batch_size):
    """A batch is 2 b whole numbers, each as likely as any other."""
    batches = list(product(range(high), repeat=2 * batch_size))
    same = sum(one == other for one in batches for other in batches)
    assert closed_forms.chance_of_repeat(high, batch_size) == pytest.approx(same / len(batches) ** 2)


@pytest.mark.parametrize("high", HIGHS)
@pytest.mark.parametrize("share", [0.1, 0.6, 1.0])
def test_the_independent_share_is_found_behind_the_broken_rows(high, share):
    """Rows that are seen broken are fewer than those that are independent: some agree by chance."""
    rng = np.random.default_rng(6)
    x = mean_pairs(rng, high, ROWS)
    y = np.where(rng.random(ROWS) < share, mean_pairs(rng, high, ROWS), x)
    broken = x != y
    share_error = broken.std() / np.sqrt(ROWS) / (1 - closed_forms.chance_of_agreement(high))
    measured = closed_forms.independent_share(broken.mean(), high)
    assert measured == pytest.approx(share, abs=ERRORS * share_error)


@pytest.mark.parametrize(("high", "share"), [(10, 1.0), (100, 1.0), (100, 0.3)])
def test_the_standard_error_of_a_stale_loss_is_that_of_many_trainings(high, share):
    """Exactly a share of the rows is stale; the mean of their squares scatters as claimed, within 5 %."""
    rng = np.random.default_rng(7)
    rows, trainings = 400, 8_000
    stale = int(rows * share)
    error = mean_pairs(rng, high, trainings, stale) - mean_pairs(rng, high, trainings, stale)
    losses = (error**2).sum(axis=1) / rows
    # A standard deviation from n samples scatters by 1 / sqrt(2 n), 0.8 %; the draw is of whole numbers,
    # whose kurtosis at high 10 is 2.694 where the formula's continuous one is 2.7: together below 5 %.
    assert losses.std() == pytest.approx(closed_forms.stale_loss_standard_error(high, share, rows), rel=0.05)


@pytest.mark.parametrize("high", [10, 100])
def test_the_standard_error_of_few_inputs_is_that_of_many_trainings(high):
    """Many steps read one content of a buffer, each with labels of its own: blocks of steps would see less."""
    rng = np.random.default_rng(9)
    contents, readers, rows, trainings = 3, 32, 4, 4_000
    inputs = mean_pairs(rng, high, trainings, contents, 1, rows)
    losses = ((inputs - mean_pairs(rng, high, trainings, contents, readers, rows)) ** 2).mean(axis=(1, 2, 3))
    held = closed_forms.held_inputs_loss_standard_error(high, 1.0, contents * rows)
    of_labels = closed_forms.variance_of_mean(high) * np.sqrt(5.4 / (contents * readers * rows))
    assert losses.std() == pytest.approx(np.hypot(held, of_labels), rel=0.05)
    assert closed_forms.stale_loss_standard_error(high, 1.0, contents * readers * rows) < 0.5 * losses.std()


@pytest.mark.parametrize("high", [10, 100])
def test_the_standard_error_behind_a_full_queue_is_that_of_many_trainings(high):
    """A batch is the inputs of one step and the labels of another: independent steps would scatter less."""
    rng = np.random.default_rng(8)
    steps, depth, rows, trainings = 60, 3, 4, 4_000
    batches = mean_pairs(rng, high, trainings, steps + depth, rows)
    losses = ((batches[:, depth:] - batches[:, :-depth]) ** 2).mean(axis=(1, 2))
    claimed = closed_forms.queued_loss_standard_error(high, steps * rows)
    # The first and last batches of a training are shared by one step alone: at 60 steps a tenth less of the covariance.
    assert losses.std() == pytest.approx(claimed, rel=0.06)
    assert closed_forms.stale_loss_standard_error(high, 1.0, steps * rows) < 0.9 * losses.std()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((), (3,)),
        ((1,), (1, 1)),
        ((64,), (64, 1)),
        ((64, 1), (64,)),
        ((64, 1), (64, 1)),
        ((4,), (4,)),
        ((1, 18), (8, 18)),
        ((5, 1, 3), (4, 1)),
        ((2, 3), (7, 2, 1)),
    ],
)
def test_shapes_broadcast_as_numpy_s_do(a, b):
    """NumPy's own rule says the same, in both orders."""
    assert expectation.broadcast(a, b) == np.broadcast_shapes(a, b)
    assert expectation.broadcast(b, a) == np.broadcast_shapes(a, b)
