"""Traps: make yielded memory read-only, so that the line which writes to it raises.

The trap sees each write, also one that puts the same values back, and it sees the
very line. It cannot stop a write through another view that was made earlier, nor
code that ignores NumPy's flags.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pitfalls.guard.findings import Finding, first_line
from pitfalls.guard.rules.aliasing import DEFAULT_DEPTH, Held
from pitfalls.guard.rules.changes import TWO_FIXES
from pitfalls.guard.rules.targets import Write, refused_write
from pitfalls.guard.stream.batches import named_leaves

TRAP_SECONDS = 1.0
READ_ONLY = ("read-only", "readonly", "writeable", "writable")


class WriteTrap:
    """Keeps the arrays of the last batches read-only until they leave, or until it is opened."""

    def __init__(self, depth: int | None = None, owners: bool = False) -> None:
        """Start with nothing trapped.

        Args:
            depth: How many batches are kept; None keeps all.
            owners: Whether a larger array is made read-only with the part of it that was yielded.
        """
        self.depth, self.owners = depth, owners
        self._batches: deque[list[np.ndarray]] = deque()
        self._closed: dict[int, np.ndarray] = {}

    def close_on(self, batch: Any) -> None:
        """Make every array of a batch read-only, and the arrays that it is all of; let the oldest batch go."""
        self._batches.append([array for _, leaf in named_leaves(batch) for array in self._below(leaf)])
        for array in self._batches[-1]:
            if array.flags.writeable:
                array.flags.writeable = False
                self._closed[id(array)] = array
        while self.depth is not None and len(self._batches) > self.depth:
            self._let_go(self._batches.popleft())

    def open(self) -> None:
        """Give every array its old flag back."""
        self._batches.clear()
        self._let_go(list(self._closed.values()))

    def _below(self, leaf: Any) -> Iterator[np.ndarray]:
        """Yield an array and the arrays that it is a view of."""
        array = leaf
        while isinstance(array, np.ndarray) and (self.owners or array.nbytes == leaf.nbytes):
            yield array
            array = array.base

    def _let_go(self, arrays: list[np.ndarray]) -> None:
        """Open arrays that no batch holds any more, owners first, as NumPy demands."""
        kept = {id(array) for batch in self._batches for array in batch}
        for array in sorted(arrays, key=views_below):
            if id(array) not in kept and self._closed.pop(id(array), None) is not None:
                with contextlib.suppress(ValueError):
                    array.flags.writeable = True


class RefusedWrites:
    """Writes to memory that was yielded already, each with its line."""

    def __init__(self, depth: int = DEFAULT_DEPTH) -> None:
        """Start with nothing trapped."""
        self.trap = WriteTrap(depth)
        self._findings: list[Finding] = []

    def see(self, index: int, batch: Any) -> None:
        """Make a batch read-only."""
        self.trap.close_on(batch)

    def take(self, error: BaseException, at: int, held: Sequence[Held]) -> bool:
        """Turn a refused write into a finding; return whether it was aimed at what was yielded."""
        write = refused_write(error, held) if is_trapped_write(error) else None
        if write is None:
            return False
        path, index = write.arrays[0]
        lines = [
            f"{path} of batch {index} was written to after it was yielded.",
            f"  refused     {type(error).__name__}: {first_line(error)}, while batch {at} was made",
            f"  written     {write.place.text}",
            "  bites       a queue of references (prefetch threads), PyDataset(workers=2 or more)",
        ]
        self._findings.append(
            Finding("aliased-batch", path, index, "\n".join(lines), TWO_FIXES, *write.place)
        )
        return True

    def findings(self) -> list[Finding]:
        """Return what was refused."""
        return self._findings


def refilling_write(stream: Iterator[Any], held: Sequence[Held], count: int) -> Write | None:
    """Pull a few batches more with the trap closed: the line that refills raises, and so is known.

    The source is pulled aside, as it may catch the refusal and try for ever.
    """
    trap = WriteTrap(owners=True)
    seen: list[Write] = []
    puller = threading.Thread(target=_pull_into_a_trap, args=(stream, held, count, seen), daemon=True)
    try:
        for batch in held:
            trap.close_on(batch.batch)
        puller.start()
        puller.join(TRAP_SECONDS)
    finally:
        trap.open()
    puller.join(TRAP_SECONDS)
    return seen[0] if seen else None


def _pull_into_a_trap(stream: Iterator[Any], held: Sequence[Held], count: int, seen: list[Write]) -> None:
    """Pull until a write is refused."""
    try:
        for _ in range(count):
            next(stream)
    except Exception as error:
        write = refused_write(error, held) if is_trapped_write(error) else None
        if write:
            seen.append(write)


def views_below(array: np.ndarray) -> int:
    """Return how many arrays a view stands on: none for the owner of its memory."""
    count = 0
    while isinstance(array.base, np.ndarray):
        array, count = array.base, count + 1
    return count


def is_trapped_write(error: BaseException) -> bool:
    """Tell whether an error is NumPy's refusal to write to a read-only array."""
    words = str(error).lower()
    kinds = (ValueError, RuntimeError, TypeError, BufferError)
    return isinstance(error, kinds) and any(word in words for word in READ_ONLY)
