"""The probe: batches of a generator held together, in words. Nothing is trained."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from pitfalls.lab.generators import Batch, address_offset_bytes
from pitfalls.results import Offsets, Probe, Slot

DEPTH = 10
"""Keras 2 let `fit_generator` hold ten batches."""

ALLOCATIONS = 200

Two = tuple[Batch, Batch]


def hold(batches: Iterator[Any]) -> Two:
    """Pull two batches and keep both, so that memory cannot be given out again."""
    return as_arrays(next(batches)), as_arrays(next(batches))


def as_arrays(batch: Any) -> Batch:
    """Return a batch as arrays in the same memory, whether it holds arrays or tensors; a sample is a batch of one."""
    inputs, labels = map(np.asarray, batch)
    return np.atleast_2d(inputs), labels


def reused_buffer_offsets(two: Two) -> Offsets:
    """Return where the arrays stand that a generator yields again, in bytes past a 64-byte boundary.

    An array of the second batch that shares memory with its twin in the first is a reused buffer.
    """
    (inputs, labels), (inputs_again, labels_again) = two
    return Offsets(
        inputs=offset_if_reused(inputs, inputs_again), labels=offset_if_reused(labels, labels_again)
    )


def offset_if_reused(before: np.ndarray, after: np.ndarray) -> int | None:
    """Return where an array stands that was yielded twice, None if these are two."""
    return address_offset_bytes(after) if np.shares_memory(before, after) else None


def probe(two: Two, listing: int | None = None, generator: str = "", seed: int = 0) -> Probe:
    """Compare each label of two batches that are held together with the inputs beside it.

    Args:
        two: The batches.
        listing: The article's listing that does so, if one does.
        generator: The generator's name.
        seed: Of its draws.

    Returns:
        ``yields`` and ``labels`` as they stand once both are held, ``fits`` (whether each
        batch's labels are all the means of its inputs), ``shares_memory`` (whether the two
        inputs, or the two labels, are one memory) and the inputs' ``addresses_mod_64``.
    """
    (first_inputs, first_labels), (second_inputs, second_labels) = two
    return Probe(
        listing=listing,
        generator=generator,
        seed=seed,
        yields=[inputs.tolist() for inputs, _ in two],
        labels=[labels.tolist() for _, labels in two],
        fits=[fits(inputs, labels) for inputs, labels in two],
        shares_memory=bool(
            np.shares_memory(first_inputs, second_inputs) or np.shares_memory(first_labels, second_labels)
        ),
        addresses_mod_64=[address_offset_bytes(inputs) for inputs, _ in two],
    )


def with_queue(probed: Probe, batches: Iterator[Any]) -> Probe:
    """Add what a full queue of references holds: the first row of each of ten batches, by now.

    Args:
        probed: Two yields of the generator.
        batches: The same generator, fresh.
    """
    queue = list(map(as_arrays, islice(batches, DEPTH)))
    slots = [
        Slot(inputs=inputs[0].tolist(), label=label, fits=bool(inputs[0].mean() == label))
        for inputs, labels in queue
        for label in [float(np.ravel(labels)[0])]
    ]
    return probed.with_changes(queue=slots, buffers=len({inputs.ctypes.data for inputs, _ in queue}))


def with_allocations(probed: Probe, batch_size: int) -> Probe:
    """Add at which addresses NumPy's own arrays of this size begin, on this machine."""
    arrays = [np.zeros((batch_size, 2)) for _ in range(ALLOCATIONS)]
    offsets = Counter(address_offset_bytes(array) for array in arrays)
    return probed.with_changes(allocated=ALLOCATIONS, allocations=dict(sorted(offsets.items())))


def fits(inputs_b2: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether every label is the mean of its inputs."""
    return bool(np.array_equal(inputs_b2.mean(axis=1), labels.reshape(len(labels))))
