"""Budget: how much of a large array is read, so that training is not slowed down.

Reading may take one hundredth of the time between two batches, measured as it runs. Where a step of
training takes its time, more blocks are read, and a smaller write is seen for certain.
"""

from __future__ import annotations

from pitfalls.guard.stream.probes import BLOCKS

SHARE = 0.01
MOST_BLOCKS = 64 * BLOCKS


class Budget:
    """The number of blocks that are read of each large array of the next batch."""

    def __init__(self) -> None:
        """Start with as few as cost next to nothing."""
        self.blocks = BLOCKS
        self.own_seconds = 0.0
        self._settled: float | None = None
        self._last = 0.0

    def settle(self, now: float) -> None:
        """Double the blocks, or halve them, by what reading cost since the batch before.

        A single long pause doubles nothing: of the last two intervals the shorter one counts.

        Args:
            now: The time in seconds, when a batch has been looked at.
        """
        if self._settled is not None:
            interval = now - self._settled
            allowed = SHARE * min(interval, self._last or interval)
            if 2 * self.own_seconds <= allowed:
                self.blocks = min(2 * self.blocks, MOST_BLOCKS)
            elif self.own_seconds > allowed:
                self.blocks = max(self.blocks // 2, BLOCKS)
            self._last = interval
        self._settled, self.own_seconds = now, 0.0
