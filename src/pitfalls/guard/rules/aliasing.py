"""Aliasing: compares the last batches with what they were when they were yielded.

The window keeps references to the last ``depth`` batches, so that their memory
cannot be freed and handed out again: a change of their content is then always a
write by somebody who still has the memory, never the allocator's doing.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from pitfalls.guard.findings import Finding
from pitfalls.guard.stream import memory, sources
from pitfalls.guard.stream.batches import SEQUENCES, is_readable, named_leaves, read
from pitfalls.guard.stream.contents import Contents, changed_values, contents_of, same_value

DEFAULT_DEPTH = 10
TWO_FIXES = "Allocate the array inside the loop, or yield a copy of it: np.copy(x)."
CONTAINER_FIX = "Make a new {kind} for each batch, or yield a copy of it: {kind}(batch)."


class Change(NamedTuple):
    """One array of one batch that is no longer what was yielded."""

    path: str
    batch: int
    at: int
    leaf: Any
    changed: int
    total: int
    sampled: bool = False
    container: str | None = None

    @property
    def when(self) -> str:
        """Say what the generator was doing."""
        return f"while batch {self.at} was made"


class Held:
    """A batch as it was yielded: the object itself, its leaves, and copies of what they held."""

    def __init__(
        self, index: int, batch: Any, leaves: dict[str, Any], contents: dict[str, Contents | None]
    ) -> None:
        """Keep references to all of it."""
        self.index, self.batch, self.leaves, self.contents = index, batch, leaves, contents


class Window:
    """The last batches that a consumer may still hold, each with a copy of its content."""

    def __init__(self, depth: int = DEFAULT_DEPTH) -> None:
        """Hold at most ``depth`` batches."""
        self.held: deque[Held] = deque(maxlen=depth)
        self.unread: dict[str, str] = {}

    def changes(self, at: int) -> list[Change]:
        """Return what changed in the held batches, the newest batch first."""
        return [change for held in reversed(self.held) for change in self._changes_of(held, at)]

    def add(self, index: int, batch: Any) -> None:
        """Keep a batch just yielded, with a whole copy of its content."""
        leaves = dict(named_leaves(batch))
        contents = {path: self._copy(path, leaf) for path, leaf in leaves.items()}
        self.held.append(Held(index, batch, leaves, contents))

    def _copy(self, path: str, leaf: Any) -> Contents | None:
        if is_readable(leaf) or isinstance(leaf, SEQUENCES):
            try:
                return contents_of(read(leaf))
            except Exception as error:
                self.unread[path] = (
                    f"{path}: a {type(leaf).__name__} that NumPy cannot read ({type(error).__name__})"
                )
        elif not _is_value(leaf):
            self.unread[path] = f"{path}: a {type(leaf).__name__}, which is no array"
        return None

    def _changes_of(self, held: Held, at: int) -> list[Change]:
        changes = []
        now = dict(named_leaves(held.batch))
        for path, leaf in held.leaves.items():
            before = held.contents[path]
            if path in now and now[path] is leaf and before is not None:
                array = read(leaf)
                changed = changed_values(before, array)
                if changed:
                    changes.append(Change(path, held.index, at, leaf, changed, max(array.size, changed)))
            elif path not in now or not self._same(before, leaf, now[path]):
                kind = container_kind(held.batch)
                changes.append(Change(path, held.index, at, now.get(path), 0, 0, container=kind))
        return changes

    @staticmethod
    def _same(before: Contents | None, leaf: Any, now: Any) -> bool:
        """Compare an entry of a container with what was in its place when the batch was yielded."""
        if before is None or not (is_readable(now) or isinstance(now, SEQUENCES)):
            return same_value(leaf, now)
        return changed_values(before, read(now)) == 0


def _is_value(leaf: Any) -> bool:
    from pitfalls.guard.stream.batches import SCALARS

    return isinstance(leaf, SCALARS)


def container_kind(batch: Any) -> str:
    """Name the mutable container of a batch: the batch itself, or the first one inside a tuple."""
    if isinstance(batch, tuple):
        kinds = [container_kind(part) for part in batch]
        return next((kind for kind in kinds if kind != "tuple"), "tuple")
    return type(batch).__name__ if isinstance(batch, (dict, *SEQUENCES)) else "tuple"


def describe(change: Change, places: sources.Places) -> Finding:
    """Turn a change into a finding: what, seen, cost, cure."""
    if change.container:
        return _container_finding(change, places)
    of = f"{change.total} probed" if change.sampled else str(change.total)
    lines = [
        f"{change.path} of batch {change.batch} changed after it was yielded.",
        f"  changed     {change.changed} of {of} values, {change.when}",
        f"  memory      {memory.describe_memory(change.leaf)}",
        *places.lines(),
        f"  bites       {memory.paths_that_bite(change.leaf)}",
    ]
    return _finding(change, places, lines, TWO_FIXES)


def _container_finding(change: Change, places: sources.Places) -> Finding:
    lines = [
        f"{change.path} of batch {change.batch} was replaced after it was yielded.",
        f"  changed     the {change.container} that holds it, {change.when}",
        *places.lines(),
        "  bites       whoever still holds the batch: a queue of references, PyDataset(workers=2 or more)",
    ]
    return _finding(change, places, lines, CONTAINER_FIX.format(kind=change.container))


def _finding(change: Change, places: sources.Places, lines: list[str], fix: str) -> Finding:
    where = places.refilled or places.allocated
    file, line = (where.file, where.line) if where else (None, None)
    return Finding("aliased-batch", change.path, change.batch, "\n".join(lines), fix, file, line)
