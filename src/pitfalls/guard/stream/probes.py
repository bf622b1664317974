"""Probes: reads a little of a large array, the same places each time, and a small array whole.

The places are one 64-byte block in each of 128 equal stretches of memory, or of more where
there is time. So a change
of any run of 1/64 of an array is seen for certain, if it changes every byte block; a
change of m single values out of n is seen with a probability of about 128 * 64 bytes
divided by the array's size, for each of them. Where the blocks stand is drawn again
for every batch.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from pitfalls.guard.stream.batches import SEQUENCES, draws_anew, is_readable, read
from pitfalls.guard.stream.contents import Contents, changed_values, contents_of, different_items

WHOLE_BYTES = 1 << 15
BLOCKS = 128
BLOCK_BYTES = 64
PHASES = 61
PLAIN_CHARS = frozenset("?bBhHiIlLqQefdFD")
_phase = itertools.count()


class Probe:
    """What was read of one array when it was yielded, and where."""

    __slots__ = ("blocks", "contents", "leaf", "path", "phase", "raw")

    def __init__(self, path: str, leaf: Any, blocks: int = BLOCKS) -> None:
        """Read an array now, whole if it is small, otherwise in so many blocks."""
        self.path = path
        self.blocks = blocks
        self.leaf = leaf
        self.phase = -1
        self.raw: bytes | None = None
        self.contents: Contents | None = None
        if type(leaf) is np.ndarray and leaf.dtype.char in PLAIN_CHARS:
            if leaf.nbytes <= WHOLE_BYTES:
                self.raw = leaf.tobytes()
            else:
                self.phase = next(_phase) % PHASES
                self.raw = _sample(leaf, self.phase, blocks)
        elif (is_readable(leaf) and not draws_anew(leaf)) or isinstance(leaf, SEQUENCES):
            self.contents = contents_of(self._few())

    def now(self) -> bytes:
        """Return the bytes that stand where the first ones were read."""
        return self.leaf.tobytes() if self.phase < 0 else _sample(self.leaf, self.phase, self.blocks)

    def differs(self) -> bool:
        """Tell whether the array no longer holds what was read."""
        if self.raw is not None:
            now = self.now()
            return now != self.raw and (
                len(now) != len(self.raw) or different_items(self.raw, now, self.leaf.dtype) > 0
            )
        return self.contents is not None and changed_values(self.contents, self._few()) > 0

    def renew(self) -> None:
        """Take what the array holds now for what it should hold."""
        if self.raw is not None:
            self.raw = self.now()
        elif self.contents is not None:
            self.contents = contents_of(self._few())

    def changed(self) -> tuple[int, int]:
        """Return how many of how many values read have changed."""
        if self.raw is None:
            few = self._few()
            return changed_values(self.contents, few) if self.contents else 0, few.size
        now = self.now()
        if len(now) != len(self.raw):
            return self.leaf.size, self.leaf.size
        return different_items(self.raw, now, self.leaf.dtype), len(now) // self.leaf.dtype.itemsize

    @property
    def sampled(self) -> bool:
        """Tell whether only a part was read."""
        return self.phase >= 0

    def _few(self) -> np.ndarray:
        """Return all the values of a small array, or those of one in each of 128 stretches."""
        array = read(self.leaf)
        if array.nbytes <= WHOLE_BYTES:
            return array
        if self.phase < 0:
            self.phase = next(_phase) % PHASES
        return array[np.unravel_index(_places(array.size, self.phase, self.blocks), array.shape)]


def _sample(array: np.ndarray, phase: int, count: int) -> bytes:
    """Return one block of each stretch, as the array lies in memory."""
    flat = in_memory_order(array)
    if flat is None:
        return array[np.unravel_index(_places(array.size, phase, count), array.shape)].tobytes()
    whole = flat.nbytes // BLOCK_BYTES * BLOCK_BYTES
    blocks = flat.view(np.uint8)[:whole].view(f"V{BLOCK_BYTES}")
    return blocks.take(_places(blocks.size, phase, min(count, blocks.size))).tobytes()


def in_memory_order(array: np.ndarray) -> np.ndarray | None:
    """Return a flat view of an array without gaps, in whatever order its axes are stored."""
    if not array.flags.c_contiguous:
        array = array.transpose(np.argsort([-abs(stride) for stride in array.strides], kind="stable"))
        if not array.flags.c_contiguous:
            return None
    return array.reshape(-1)


@functools.lru_cache(maxsize=1024)
def _places(count: int, phase: int, stretches: int) -> np.ndarray:
    """Return one place in each of so many equal stretches, elsewhere in each phase; the last one included."""
    edges = np.arange(stretches + 1) * count // stretches
    within = np.random.default_rng(phase).random(stretches)
    return (edges[:-1] + within * (edges[1:] - edges[:-1])).astype(np.intp)
