"""The recorder: what the model was given, counted step by step as plain NumPy would."""

import numpy as np
import pytest
import tensorflow as tf

from pitfalls.lab.recorder import COLUMNS, Recorder, standard_error_by_blocks, window_of
from pitfalls.lab.tensorflow.recording import GraphRecorder

STEPS, ROWS = 40, 4


@pytest.fixture
def steps():
    """Give 40 steps of sound batches, some broken as a whole, some in one row, some repeated."""
    rng = np.random.default_rng(0)
    inputs_nb2 = rng.integers(0, 100, (STEPS, ROWS, 2)).astype(float)
    labels_nb = inputs_nb2.mean(axis=2)
    labels_nb[5] += 0.5
    labels_nb[10, 3] += 1
    for repeated in (20, 21):
        inputs_nb2[repeated], labels_nb[repeated] = inputs_nb2[19], labels_nb[19]
    inputs_nb2[30] = inputs_nb2[29]  # the inputs alone repeat: not the same batch
    return inputs_nb2, labels_nb, np.arange(STEPS, dtype=np.float32)


def recorded(inputs_nb2, labels_nb, loss_n, chunk, epochs=1):
    """Return a recorder that was told so many steps at once, as a graph would; `chunk` None is one, unstacked."""
    recorder = Recorder(ROWS)
    graph = GraphRecorder(recorder, STEPS // epochs)
    record = tf.function(graph.record)
    for first in range(0, STEPS, chunk or 1):
        part = slice(first, first + chunk) if chunk else first
        record(inputs_nb2[part], labels_nb[part], loss_n[part])
        if (first + (chunk or 1)) % (STEPS // epochs) == 0:
            graph.end_epoch()
    return recorder


@pytest.mark.parametrize("with_axis", [False, True])
@pytest.mark.parametrize(("chunk", "epochs"), [(None, 1), (None, 2), (1, 4), (4, 2), (8, 5), (40, 1)])
def test_steps_are_counted_alike_one_by_one_and_many_at_once(steps, chunk, epochs, with_axis):
    """Loss, broken rows, broken batches and repeats, also over an epoch's end, against a count by hand."""
    inputs_nb2, labels_nb, loss_n = steps
    told = labels_nb[..., np.newaxis] if with_axis else labels_nb
    history = recorded(inputs_nb2, told, loss_n, chunk, epochs).history()
    assert COLUMNS == ("loss", "broken_rows", "broken_batches", "repeated_batches")
    assert history.shape == (STEPS, 4)
    assert history[:, 0].tolist() == list(range(STEPS))
    broken_rows = {5: 1.0, 10: 0.25, 30: np.mean(inputs_nb2[30].mean(axis=1) != labels_nb[30])}
    assert history[:, 1].tolist() == [broken_rows.get(step, 0.0) for step in range(STEPS)]
    assert history[:, 2].tolist() == [float(step in (5, 10, 30)) for step in range(STEPS)]
    assert history[:, 3].tolist() == [float(step in (20, 21)) for step in range(STEPS)]


@pytest.mark.parametrize("chunk", [None, 1, 8])
@pytest.mark.parametrize("with_axis", [False, True])
def test_the_last_batch_comes_back_in_the_shape_it_had(steps, chunk, with_axis):
    """Its shapes are what result.json says the model was given."""
    inputs_nb2, labels_nb, loss_n = steps
    told = labels_nb[..., np.newaxis] if with_axis else labels_nb
    inputs, labels = recorded(inputs_nb2, told, loss_n, chunk).last_batch()
    np.testing.assert_array_equal(inputs, inputs_nb2[-1])
    np.testing.assert_array_equal(labels, told[-1])
    assert labels.shape == ((ROWS, 1) if with_axis else (ROWS,))


def test_the_first_batch_repeats_nothing():
    """Not even one of zeros: there was none before it."""
    recorder = Recorder(3)
    graph = GraphRecorder(recorder, 2)
    graph.record(tf.zeros((2, 3, 2)), tf.zeros((2, 3)), tf.zeros(2))
    graph.end_epoch()
    assert recorder.history()[:, 3].tolist() == [0.0, 1.0]


def test_the_mean_loss_of_an_epoch_is_of_its_steps_alone():
    """What the progress bar shows, also of an epoch that fills only a part of the room."""
    recorder, losses = Recorder(3), []
    graph = GraphRecorder(recorder, 4)
    for loss_n in ([1.0, 2.0, 3.0, 6.0], [8.0, 10.0]):
        n = len(loss_n)
        graph.record(tf.zeros((n, 3, 2)), tf.zeros((n, 3)), tf.constant(loss_n))
        losses.append(graph.end_epoch())
    assert losses == [3.0, 9.0]
    assert recorder.history()[:, 0].tolist() == [1.0, 2.0, 3.0, 6.0, 8.0, 10.0]


def test_rewrites_are_counted_over_the_last_steps_and_unknown_where_nobody_looked():
    """None is no nought: a feed of Keras's own cannot be looked into."""
    recorder = Recorder(1)
    assert recorder.rewritten_share(2) is None
    for is_rewritten in (True, True, False, True):
        recorder.note_rewritten(is_rewritten)
    assert recorder.rewritten_share(2) == 0.5
    assert recorder.rewritten_share(4) == 0.75


def test_a_window_is_judged_by_its_own_steps(steps):
    """What went before does not count."""
    history = recorded(*steps, chunk=40).history()
    window = window_of(history, 20)  # steps 20 to 39: two repeats, one batch broken
    assert window.loss == pytest.approx(29.5)
    assert window.repeated_batches == pytest.approx(2 / 20)
    assert window.broken_batches == pytest.approx(1 / 20)
    assert window.broken_rows == pytest.approx(history[30, 1] / 20)
    assert window.standard_error == standard_error_by_blocks(np.arange(20.0, 40.0))


def test_independent_values_have_the_usual_standard_error():
    """The scatter of 20 block means estimates it within 16 %: 1 / sqrt(2 x 19), four times that at most."""
    values = np.random.default_rng(1).normal(size=1000)
    usual = values.std(ddof=1) / np.sqrt(values.size)
    assert standard_error_by_blocks(values) == pytest.approx(usual, rel=4 * 0.16)


def test_correlated_values_have_a_larger_standard_error_than_a_naive_one():
    """Runs of ten equal values hold a tenth of the news: the error is sqrt(10) times the naive one."""
    values = np.repeat(np.random.default_rng(2).normal(size=200), 10)
    naive = values.std(ddof=1) / np.sqrt(values.size)
    assert standard_error_by_blocks(values) == pytest.approx(np.sqrt(10) * naive, rel=4 * 0.16)
    assert standard_error_by_blocks(values) > 1.5 * naive


def test_the_standard_error_covers_the_truth_as_often_as_it_should():
    """Of 400 correlated windows, within one error about 67 in a hundred (Student's t with 19 degrees)."""
    rng = np.random.default_rng(3)
    windows = np.repeat(rng.normal(size=(400, 100)), 5, axis=1)
    covered = np.mean([abs(window.mean()) <= standard_error_by_blocks(window) for window in windows])
    assert covered == pytest.approx(0.67, abs=4 * np.sqrt(0.67 * 0.33 / 400))


def test_few_values_are_taken_one_by_one_and_a_single_one_has_no_scatter():
    """Ten values are ten blocks."""
    values = np.arange(10.0)
    assert standard_error_by_blocks(values) == pytest.approx(values.std(ddof=1) / np.sqrt(10))
    assert standard_error_by_blocks(values[:1]) == 0.0
