"""Traps: make yielded memory read-only, so that the line which writes to it raises.

The trap sees each write, also one that puts the same values back, and it sees the
very line. It cannot stop a write through another view that was made earlier, nor
code that ignores NumPy's flags.
"""

from __future__ import annotations

import traceback
import types
from typing import Any

import numpy as np

from pitfalls.guard.stream.batches import named_leaves
from pitfalls.guard.stream.memory import owner_of
from pitfalls.guard.stream.sources import Place, is_user_file


class WriteTrap:
    """Keeps arrays, and the arrays they are views of, read-only until it is opened again."""

    def __init__(self) -> None:
        """Start with nothing trapped."""
        self._closed: list[np.ndarray] = []
        self.paths: dict[int, str] = {}

    def close_on(self, batch: Any) -> None:
        """Make every array of a batch read-only, and the owners of their memory."""
        for path, leaf in named_leaves(batch):
            array: Any = leaf
            while isinstance(array, np.ndarray):
                self.paths.setdefault(id(array), path)
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


def views_below(array: np.ndarray) -> int:
    """Return how many arrays a view stands on: none for the owner of its memory."""
    count = 0
    while isinstance(array.base, np.ndarray):
        array, count = array.base, count + 1
    return count


def is_trapped_write(error: BaseException) -> bool:
    """Tell whether an error is NumPy's refusal to write to a read-only array."""
    words = str(error).lower()
    return isinstance(error, (ValueError, RuntimeError, TypeError, BufferError)) and (
        "read-only" in words or "readonly" in words or "writeable" in words or "not writable" in words
    )


def place_of(error: BaseException) -> Place | None:
    """Return the user's own line that raised an error: the innermost one outside installed packages."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_file(f.filename)]
    return Place(frames[-1].filename, frames[-1].lineno or 0) if frames else None


def written_path(error: BaseException, held: Any) -> tuple[str, int]:
    """Return which array of which batch a refused write was aimed at, as far as its frame tells."""
    place = place_of(error)
    frames = [
        frame for frame, _ in traceback.walk_tb(error.__traceback__) if is_user_file(frame.f_code.co_filename)
    ]
    leaves = [
        (path, batch.index, leaf) for batch in reversed(held) for path, leaf in named_leaves(batch.batch)
    ]
    code = place.text if place else ""
    for name, value in _named_arrays(frames[-1]) if frames else ():
        for path, index, leaf in leaves:
            if name in code and isinstance(leaf, np.ndarray) and owner_of(leaf) is owner_of(value):
                return path, index
    return (leaves[0][0], leaves[0][1]) if leaves else ("inputs", 0)


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
