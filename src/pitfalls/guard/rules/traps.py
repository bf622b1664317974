"""Traps: make yielded memory read-only, so that the line which writes to it raises.

The trap sees each write, also one that puts the same values back, and it sees the
very line. It cannot stop a write through another view that was made earlier, nor
code that ignores NumPy's flags.
"""

from __future__ import annotations

import threading
import traceback
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pitfalls.guard.findings import Finding, first_line
from pitfalls.guard.rules.aliasing import Held
from pitfalls.guard.rules.changes import TWO_FIXES
from pitfalls.guard.stream.batches import named_leaves
from pitfalls.guard.stream.lines import Place, is_user_file
from pitfalls.guard.stream.memory import owner_of

TRAP_SECONDS = 1.0
READ_ONLY = ("read-only", "readonly", "writeable", "not writable")


class WriteTrap:
    """Keeps arrays, and the arrays they are views of, read-only until it is opened again."""

    def __init__(self) -> None:
        """Start with nothing trapped."""
        self._closed: list[np.ndarray] = []

    def close_on(self, batch: Any) -> None:
        """Make every array of a batch read-only, and the owners of their memory."""
        for _, leaf in named_leaves(batch):
            array: Any = leaf
            while isinstance(array, np.ndarray):
                if array.flags.writeable:
                    array.flags.writeable = False
                    self._closed.append(array)
                array = array.base

    def open(self) -> None:
        """Give every array its old flag back, owners first, as NumPy demands."""
        for array in sorted(self._closed, key=views_below):
            try:
                array.flags.writeable = True
            except ValueError:
                continue
        self._closed.clear()


class RefusedWrites:
    """Writes to memory that was yielded already, each with its line."""

    def __init__(self) -> None:
        """Start with nothing trapped."""
        self.trap = WriteTrap()
        self._findings: list[Finding] = []

    def see(self, index: int, batch: Any) -> None:
        """Make a batch read-only."""
        self.trap.close_on(batch)

    def take(self, error: BaseException, at: int, held: Sequence[Held]) -> None:
        """Turn a refused write into a finding."""
        place = place_of(error)
        path, index = written_path(error, held)
        lines = [
            f"{path} of batch {index} was written to after it was yielded.",
            f"  refused     {type(error).__name__}: {first_line(error)}, while batch {at} was made",
            *([f"  written     {place.text}"] if place else []),
            "  bites       a queue of references (prefetch threads), PyDataset(workers=2 or more)",
        ]
        file, line = place or (None, None)
        self._findings.append(Finding("aliased-batch", path, index, "\n".join(lines), TWO_FIXES, file, line))

    def findings(self) -> list[Finding]:
        """Return what was refused."""
        return self._findings


def refilling_line(stream: Iterator[Any], held: Sequence[Held], count: int) -> tuple[str, Place] | None:
    """Pull a few batches more with the trap closed: the line that refills raises, and so is known.

    The source is pulled aside, as it may catch the refusal and try for ever.
    """
    trap = WriteTrap()
    seen: list[tuple[str, Place]] = []
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


def _pull_into_a_trap(
    stream: Iterator[Any], held: Sequence[Held], count: int, seen: list[tuple[str, Place]]
) -> None:
    """Pull until a write is refused."""
    try:
        for _ in range(count):
            next(stream)
    except Exception as error:
        place = place_of(error) if is_trapped_write(error) else None
        if place:
            seen.append((written_path(error, held)[0], place))


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


def place_of(error: BaseException) -> Place | None:
    """Return the user's own line that raised an error: the innermost one outside installed packages."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_file(f.filename)]
    return Place(frames[-1].filename, frames[-1].lineno or 0) if frames else None


def written_path(error: BaseException, held: Sequence[Held]) -> tuple[str, int]:
    """Return which array of which batch a refused write was aimed at, as far as its frame tells."""
    place = place_of(error)
    code = place.text if place else ""
    leaves = [(path, b.index, leaf) for b in reversed(held) for path, leaf in named_leaves(b.batch)]
    for value in (value for name, value in _arrays_of_the_frame(error) if name in code):
        for path, index, leaf in leaves:
            if isinstance(leaf, np.ndarray) and owner_of(leaf) is owner_of(value):
                return path, index
    return (leaves[0][0], leaves[0][1]) if leaves else ("inputs", 0)


def _arrays_of_the_frame(error: BaseException) -> list[tuple[str, np.ndarray]]:
    """Return the arrays that the user's innermost frame names."""
    walked = traceback.walk_tb(error.__traceback__)
    frames = [frame for frame, _ in walked if is_user_file(frame.f_code.co_filename)]
    return _named_arrays(frames[-1]) if frames else []


def _named_arrays(frame: types.FrameType) -> list[tuple[str, np.ndarray]]:
    """Return the arrays that a frame names, attributes of its objects included."""
    found = []
    for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):
        if isinstance(value, np.ndarray):
            found.append((name, value))
        elif not isinstance(value, (type, types.ModuleType)):
            attributes = getattr(value, "__dict__", {})
            found += [(key, item) for key, item in list(attributes.items()) if isinstance(item, np.ndarray)]
    return found
