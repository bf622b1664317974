"""The drawn queue: ten batches of a generator held together, as a queue of references holds them.

Nothing is trained: the generators are pulled, and the arrays are looked at.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from pitfalls.lab.generators import BOUNDARY_BYTES, Batch, address_offset_bytes, fresh_arrays, reused_inputs

DEPTH = 10
"""Keras 2 let `fit_generator` hold ten batches."""

ALLOCATIONS = 200


def queues(high: int, probes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the two queues to draw: of one reused buffer, and of arrays of their own.

    Both are drawn from seed 0 at batch size 1, as the probes of listings 3 and 4 are, so that
    the first two labels are the probes' own.

    Args:
        high: Exclusive upper end of the draw.
        probes: The probes in verdicts.json.
    """
    rng = np.random.default_rng
    return [
        {"name": "reused_inputs", **held(reused_inputs(rng(0), high, 1, 16)), "probe": probe_of(probes, 3)},
        {"name": "fresh_arrays", **held(fresh_arrays(rng(0), high, 1)), "probe": probe_of(probes, 4)},
    ]


def held(batches: Iterator[Batch]) -> dict[str, Any]:
    """Fill a queue from a generator, and look at what stands in it when it is full."""
    queue = [next(batches) for _ in range(DEPTH)]
    slots = [
        {
            "at": at,
            "inputs": inputs[0].astype(int).tolist(),
            "label": float(labels[0, 0]),
            "fits": bool(inputs.mean() == labels[0, 0]),
            "is_newest": at == DEPTH,
        }
        for at, (inputs, labels) in enumerate(queue, start=1)
    ]
    buffers = len({inputs.ctypes.data for inputs, _ in queue})
    fitting = [slot["at"] for slot in slots if slot["fits"]]
    return {
        "slots": slots,
        "buffers": buffers,
        "fitting": fitting,
        "by_chance": fitting[:-1] if buffers == 1 else [],
    }


def probe_of(probes: list[dict[str, Any]], listing: int) -> dict[str, Any] | None:
    """Return the two yields that a listing's probe held, or None if it was not run."""
    for probed in probes:
        if probed["listing"] == listing:
            labels = [float(np.ravel(label)[0]) for label in probed["labels"]]
            inputs = [np.ravel(batch).astype(int).tolist() for batch in probed["yields"]]
            return {"inputs": inputs, "labels": labels, "fits": probed["fits"]}
    return None


def allocation_counts(batch_size: int) -> dict[int, int]:
    """Return how many of 200 small arrays begin at each address modulo 64, on this machine now."""
    arrays = [np.zeros((batch_size, 2)) for _ in range(ALLOCATIONS)]
    offsets = [address_offset_bytes(array) for array in arrays]
    return {at: offsets.count(at) for at in range(0, BOUNDARY_BYTES, 4) if offsets.count(at)}
