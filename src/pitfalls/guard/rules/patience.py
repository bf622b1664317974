"""Patience: how many batches are read before a source counts as looked at.

A few at least, then as many as cost nothing; and where slices of one array are
yielded that the code also writes to, as many as it takes to see an epoch end: a loader
that is slow gets the time that it takes, up to the limit that was asked for. After
a proof a moment more, so that other arrays are found as well.
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
PATIENT_BATCHES = 1000
EPOCHS = 3


class Patience:
    """Decides when enough batches of a source were read."""

    def __init__(self, limit: int | None, depth: int) -> None:
        """Want ``limit`` batches, or as many as seem right."""
        self.limit, self.fixed = limit or max(LEAST_BATCHES, 3 * depth), limit is not None
        self.started, self.seconds = time.monotonic(), EXTRA_SECONDS
        self.proven: float | None = None
        self.is_patient = self.has_deadline = False
        self.epochs = Epochs()

    def wants_more(self, seen: int, aliasing: Aliasing) -> bool:
        """Tell whether to pull another batch."""
        now = time.monotonic()
        if aliasing.changes:
            self.proven = self.proven or now
            return seen < self.limit and now - self.proven < EXTRA_SECONDS
        if seen < self.limit or self.fixed:
            return seen < self.limit
        if self.epochs.count > EPOCHS:
            return False
        if seen == self.limit and _may_be_shuffled(aliasing):
            self.seconds, self.is_patient = PATIENT_SECONDS, self.has_deadline
        return now - self.started < self.seconds or (self.is_patient and seen < PATIENT_BATCHES)


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
    leaves = aliasing.window.held[-1].leaves.values() if aliasing.window.held else ()
    return any(is_slice(leaf) and may_be_written(aliasing.source, leaf) for leaf in leaves)
