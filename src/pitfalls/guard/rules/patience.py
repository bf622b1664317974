"""Patience: how many batches are read before a source counts as looked at.

A few at least, then as many as cost nothing; and where slices of one array are
yielded that the code also writes to, as many as it takes to see an epoch end.
"""

from __future__ import annotations

import time
from typing import Any

from pitfalls.guard.rules.aliasing import Aliasing
from pitfalls.guard.stream.batches import named_leaves
from pitfalls.guard.stream.lines import may_be_written
from pitfalls.guard.stream.memory import address_of, is_slice

LEAST_BATCHES = 32
EXTRA_SECONDS = 0.3
PATIENT_SECONDS = 10.0
EPOCHS = 3


class Patience:
    """Decides when enough batches of a source were read."""

    def __init__(self, limit: int | None, depth: int) -> None:
        """Want ``limit`` batches, or as many as seem right."""
        self.limit, self.fixed = limit or max(LEAST_BATCHES, 3 * depth), limit is not None
        self.started, self.seconds = time.monotonic(), EXTRA_SECONDS
        self.epochs = Epochs()

    def wants_more(self, seen: int, aliasing: Aliasing) -> bool:
        """Tell whether to pull another batch."""
        if seen < self.limit or self.fixed:
            return seen < self.limit
        if aliasing.changes or self.epochs.count > EPOCHS:
            return False
        if seen == self.limit and _may_be_shuffled(aliasing):
            self.seconds = PATIENT_SECONDS
        return time.monotonic() - self.started < self.seconds


class Epochs:
    """Counts how often the first batch's slice of a larger array came again: once an epoch."""

    def __init__(self) -> None:
        """Wait for the first batch."""
        self.first: int | None = None
        self.count = 0

    def add(self, batch: Any) -> None:
        """Look at where a batch's first slice stands."""
        slices = (leaf for _, leaf in named_leaves(batch) if is_slice(leaf))
        address = next((address_of(leaf) for leaf in slices), None)
        if self.first is None:
            self.first = address
        self.count += address is not None and address == self.first


def _may_be_shuffled(aliasing: Aliasing) -> bool:
    """Tell whether batches are slices of a larger array that the code also writes to."""
    leaves = aliasing.window.held[-1].leaves.values()
    return any(is_slice(leaf) and may_be_written(aliasing.source, leaf) for leaf in leaves)
