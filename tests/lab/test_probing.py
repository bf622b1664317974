"""The probe: two yields held together, said in words that are pinned here."""

import numpy as np
import pytest

from pitfalls.lab.probe import fits, hold, probe, reused_buffer_offsets, with_allocations, with_queue
from pitfalls.lab.sources import make_configured
from pitfalls.results import Probe
from pitfalls.stages.probe import conclusion, in_words, short

SOUND = "Both labels fit their inputs, and no memory is shared: a queue can hold these batches safely."
ONE_MEMORY = (
    "Both labels fit their inputs, but the two batches share their memory: the first now holds the values of "
    "the second. A reader that meets the writer half-way gets rows of both."
)
BROKEN = (
    "The first label does not fit its inputs: the buffer was refilled while the batch was held. "
    "A queue of references delivers only such batches."
)


@pytest.mark.parametrize(
    ("generator", "expected_fits", "shares", "words"),
    [
        ("reused_inputs", [False, True], True, BROKEN),
        ("reused_inputs_aligned", [False, True], True, BROKEN),
        ("reused_pair", [True, True], True, ONE_MEMORY),
        ("fresh_arrays", [True, True], False, SOUND),
        ("copied_inputs", [True, True], False, SOUND),
        ("flat_labels", [True, True], False, SOUND),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 64])
def test_two_yields_show_which_generator_may_be_queued(
    composed, generator, expected_fits, shares, words, batch_size
):
    """The article's third to fifth listing, and the other generators."""
    told = composed(f"generator={generator}", f"task.batch_size={batch_size}")
    probed = probe(hold(make_configured(told)))
    assert (probed.fits, probed.shares_memory) == (expected_fits, shares)
    assert conclusion(probed) == words
    assert np.shape(probed.yields) == (2, batch_size, 2)


@pytest.mark.parametrize("listing", [3, 4, 5])
def test_the_listings_that_are_probes_fit_as_the_article_s_did(composed, listing):
    """Both inputs print alike in the third, and only its second label fits; both fit in the others."""
    probed = probe(hold(make_configured(composed(f"experiment=listing_{listing}", name="probe"))))
    first, second = probed.yields
    assert (first == second) == (listing == 3)
    assert probed.fits == [listing != 3, True]


def test_a_probe_s_words_name_inputs_labels_and_what_fits():
    """The whole text, with the article's own numbers."""
    probed = Probe(
        listing=3,
        yields=[[[44.0, 2.0]], [[44.0, 2.0]]],
        labels=[[[10.0]], [[23.0]]],
        fits=[False, True],
        shares_memory=True,
    )
    assert in_words(probed) == (
        "first   inputs [[44.,  2.]]   labels [[10.]]   do not fit\n"
        "second  inputs [[44.,  2.]]   labels [[23.]]   fit\n" + BROKEN
    )


def test_a_large_batch_is_cut_to_two_rows():
    """And says how many there are."""
    assert short([[1.0], [2.0]]) == "[[1.], [2.]]"
    assert short([[1.0], [2.0], [3.0], [4.0]]) == "[[1.], [2.], ... 4 rows]"


@pytest.mark.parametrize("axis", [(), (1,)])
def test_one_wrong_row_among_many_does_not_fit(axis):
    """All labels must be the means of their inputs, flat or not."""
    inputs = np.arange(12.0).reshape(6, 2)
    labels = inputs.mean(axis=1).reshape(6, *axis)
    assert fits(inputs, labels)
    labels[4] += 0.5
    assert not fits(inputs, labels)


@pytest.mark.parametrize(
    ("generator", "buffers", "fitting"),
    [("reused_inputs", 1, 1), ("fresh_arrays", 10, 10), ("refilled_sample", 1, 1), ("fresh_samples", 10, 10)],
)
def test_a_full_queue_holds_ten_references_to_as_many_buffers_as_there_are(
    composed, generator, buffers, fitting
):
    """Of one buffer only the newest label is sure to fit; at high 1000 none fits by chance."""
    config = composed(f"generator={generator}", "task.batch_size=1", "task.high=1000")
    probed = with_queue(probe(hold(make_configured(config))), make_configured(config))
    assert (len(probed.queue), probed.buffers) == (10, buffers)
    assert sum(slot.fits for slot in probed.queue) == fitting
    assert probed.queue[-1].fits


def test_numpy_s_own_arrays_begin_at_multiples_of_16_bytes(composed):
    """Small ones: where each began is counted, and none is lost."""
    config = composed("generator=fresh_arrays")
    probed = with_allocations(probe(hold(make_configured(config))), 64)
    assert sum(probed.allocations.values()) == probed.allocated == 200
    assert set(probed.allocations) <= {0, 16, 32, 48}


@pytest.mark.parametrize(("generator", "is_held"), [("refilled_sample", True), ("fresh_samples", False)])
def test_two_samples_are_probed_as_two_batches_of_one_row(composed, generator, is_held):
    """In the same memory, whether they are arrays or something that an array can look at."""
    two = hold(make_configured(composed(f"generator={generator}")))
    probed = probe(two)
    assert np.shape(probed.yields) == (2, 1, 2) and np.shape(probed.labels) == (2, 1)
    assert (probed.fits, probed.shares_memory) == ([not is_held, True], is_held)
    assert (reused_buffer_offsets(two).inputs is not None) == is_held
