"""Probes: reads a little of a large array, the same places each time, and a small array whole.

The places are one 64-byte block in each of 128 equal stretches of memory, or of more where
there is time. So a change of any run of 1/64 of an array is seen for certain, if it changes every byte block; a
change of m single values out of n is seen with a probability of about 128 * 64 bytes
divided by the array's size, for each of them. Where the blocks stand is drawn again
for every batch.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from pitfalls.guard.stream import tensors
from pitfalls.guard.stream.batches import SEQUENCES, draws_anew, is_readable, read
from pitfalls.guard.stream.contents import Contents, changed_values, contents_of, different_items
from pitfalls.guard.stream.memory import key_of

WHOLE_BYTES = 1 << 15
BLOCKS = 128
BLOCK_BYTES = 64
PHASES = 61
PLAIN_CHARS = frozenset("?bBhHiIlLqQefdFD")
_phase = itertools.count()


class Probe:
    """What was read of one array when it was yielded, and where.

    Attributes:
        blocks: How many places of a large array are read.
        key: What arrays over the same memory have in common, see `memory.key_of`.
        now: Returns the bytes that are now where the first ones were read; None for what is compared by its values.
    """

    __slots__ = ("blocks", "contents", "key", "leaf", "now", "path", "phase", "raw")

    def __init__(self, path: str, leaf: Any, blocks: int = BLOCKS, phase: int = -1) -> None:
        """Read an array now, whole if it is small; otherwise at so many places of a phase, or of the next one."""
        self.path, self.leaf, self.blocks, self.phase = path, leaf, blocks, phase
        self.now: Callable[[], bytes] | None = None
        self.raw: bytes | None = None
        self.contents: Contents | None = None
        if tensors.is_tensor(leaf):
            address = tensors.address_of_tensor(leaf)
            self.key = address or id(leaf)
            if address:
                self.now = tensors.small_reader(leaf, address, WHOLE_BYTES) or self._tensor_reader(
                    leaf, address
                )
        else:
            self.key = key_of(leaf)
            if type(leaf) is np.ndarray and leaf.dtype.char in PLAIN_CHARS:
                self.now = leaf.tobytes if leaf.nbytes <= WHOLE_BYTES else self._sampled(leaf)
        if self.now is not None:
            self.raw = self.now()
        elif tensors.kind_of(leaf) != tensors.JAX and _has_values(leaf):
            self._read_values()  # to read JAX's would be to wait for it

    def differs(self) -> bool:
        """Tell whether the array no longer holds what was read."""
        if self.now is not None:
            now = self.now()
            return now != self.raw and not self._is_gone(now) and self._differing(now) > 0
        return self.contents is not None and changed_values(self.contents, self._few()) > 0

    def holds(self, leaf: Any) -> bool:
        """Tell whether another array holds what was read of this one."""
        other = Probe(self.path, leaf, self.blocks, self.phase)
        if self.contents is not None and other.contents is not None:
            return changed_values(self.contents, other._few()) == 0
        if self.raw is None or other.raw is None:
            return self.raw is other.raw
        return self.phase == other.phase and self._differing(other.raw) == 0

    def renew(self) -> None:
        """Take what the array holds now for what it should hold."""
        if self.now is not None:
            now = self.now()
            self.raw = self.raw if self._is_gone(now) else now
        elif self.contents is not None:
            self.contents = contents_of(self._few())

    def changed(self) -> tuple[int, int]:
        """Return how many of how many values read have changed."""
        if self.now is None or self.raw is None:
            few = self._few()
            return changed_values(self.contents, few) if self.contents else 0, few.size
        now = self.now()
        changed = self._differing(now)
        return changed, max(len(now) // self._dtype().itemsize, changed)

    @property
    def sampled(self) -> bool:
        """Tell whether only a part was read."""
        return self.phase >= 0

    def _dtype(self) -> np.dtype:
        """Return the dtype of what is read: of numbers that NumPy does not have, their bytes."""
        leaf_dtype = tensors.dtype_of(self.leaf) if tensors.is_tensor(self.leaf) else self.leaf.dtype
        return np.dtype(leaf_dtype)

    def _differing(self, now: bytes) -> int:
        """Return how many values that are read now are not those that were read first; -0.0 is 0.0."""
        raw, dtype = self.raw or b"", self._dtype()
        if len(raw) != len(now):
            return max(len(now) // dtype.itemsize, 1)
        return different_items(raw, now, dtype)

    def _is_gone(self, now: bytes) -> bool:
        """Tell whether a tensor has no memory any more that could be read."""
        return now == tensors.GONE and tensors.is_tensor(self.leaf)

    def _read_values(self) -> None:
        """Keep some values; of what cannot be read nothing is kept, and nothing is said about it."""
        try:
            self.contents = contents_of(self._few())
        except Exception:
            self.contents = None

    def _sampled(self, array: np.ndarray) -> Callable[[], bytes]:
        """Return what reads some bytes of a large array, at places that are chosen here."""
        self._choose()
        return functools.partial(_sample, array, self.phase, self.blocks)

    def _tensor_reader(self, tensor: Any, address: int) -> Callable[[], bytes]:
        """Return what reads a tensor that is large, or not in one piece."""
        size = tensor.nbytes
        if size > WHOLE_BYTES:
            self._choose()
        return functools.partial(self._of_tensor, tensors.view_of(tensor), address, size)

    def _of_tensor(self, view: np.ndarray | None, address: int, size: int) -> bytes:
        """Return a tensor's bytes, as far as they are read; a view is good as long as the memory stays."""
        still = tensors.is_where_it_was(self.leaf, address, size)
        array = view if still else tensors.view_of(self.leaf)
        if array is None:
            return tensors.GONE
        return array.tobytes() if self.phase < 0 else _sample(array, self.phase, self.blocks)

    def _choose(self) -> None:
        if self.phase < 0:
            self.phase = next(_phase) % PHASES

    def _few(self) -> np.ndarray:
        """Return all the values of a small array, or one in each of so many stretches."""
        array = read(self.leaf)
        if array.nbytes <= WHOLE_BYTES:
            return array
        self._choose()
        return array[np.unravel_index(_places(array.size, self.phase, self.blocks), array.shape)]


def _has_values(leaf: Any) -> bool:
    """Tell whether a leaf holds values that can be read again later."""
    return (is_readable(leaf) and not draws_anew(leaf)) or isinstance(leaf, SEQUENCES)


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
