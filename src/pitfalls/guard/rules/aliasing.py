"""Aliasing: compares the last batches with what they were when they were yielded.

The window keeps references to the last ``depth`` batches, so that their memory
cannot be freed and handed out again: a change of their content is then always a
write by somebody who still has the memory, never the allocator's doing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.changes import Change, container_of, describe
from pitfalls.guard.rules.detectors import few_of_each_part
from pitfalls.guard.stream.batches import (
    SCALARS,
    SEQUENCES,
    draws_anew,
    is_readable,
    is_tuple_of_arrays,
    named_leaves,
    read,
)
from pitfalls.guard.stream.contents import Contents, changed_values, contents_of, same_value
from pitfalls.guard.stream.lines import Place, Places, find_places
from pitfalls.guard.stream.memory import share_memory
from pitfalls.guard.stream.streams import is_pydataset
from pitfalls.guard.stream.weak import Weak, may_be_weak

DEFAULT_DEPTH = 10
MOST_COPIED_BYTES = 1 << 29


def depth_of(source: Any) -> int:
    """Return how many batches the consumer of a source may hold: of a PyDataset what its queue and workers do."""
    return source.max_queue_size + source.workers if is_pydataset(source) else DEFAULT_DEPTH


class Aliasing:
    """Arrays that changed after they were yielded, and the lines that allocate and refill them."""

    def __init__(self, source: Any, depth: int) -> None:
        """Keep the last ``depth`` batches of a source."""
        self.source, self.window = source, Window(depth)
        self.changes: dict[str, tuple[Change, Places]] = {}

    def see(self, index: int, batch: Any) -> None:
        """Compare the held batches with what they were, and hold the new one."""
        self.compare(index)
        self.window.add(index, batch, self.changes)

    def compare(self, at: int) -> None:
        """Note which held arrays have changed by the time that a batch was made."""
        for change in self.window.changes(at, self.changes):
            if change.path not in self.changes:
                self.changes[change.path] = change, find_places(self.source, change.holder)

    def locate(self, path: str, place: Place) -> None:
        """Note which line refills an array that was seen to change."""
        change, places = self.changes[path]
        self.changes[path] = change, Places(places.allocated, place, places.name)

    def findings(self) -> list[Finding]:
        """Return a finding for each array, at most a few of each part of the batch."""
        return few_of_each_part(describe(*known) for known in self.changes.values())

    def not_checked(self) -> list[str]:
        """Say how many arrays changed without being named, and which could not be read."""
        more = len(self.changes) - len(self.findings())
        unnamed = [f"{more} more arrays changed as well and are not listed."] if more else []
        few = (
            f"Batches as large as these: the last {self.window.fewest} were compared, not the last {{depth}}."
        )
        copies = [few.format(depth=self.window.held.maxlen)] if self.window.fewest else []
        return [*unnamed, *copies, *self.window.unread.values()]


@dataclass(frozen=True)
class Held:
    """A batch as it was yielded, and copies of what it held.

    Attributes:
        index: Its number.
        object: The batch itself; None if it is a tuple of arrays some of which are large.
        arrays: Each leaf by its path; a large array by where it is, and only as long as its memory is.
        contents: Copies of what the leaves held.
    """

    index: int
    object: Any
    arrays: dict[str, object]
    contents: dict[str, Contents | None]

    @property
    def leaves(self) -> dict[str, object]:
        """The leaves whose memory is still there."""
        found = {path: leaf() if isinstance(leaf, Weak) else leaf for path, leaf in self.arrays.items()}
        return {path: leaf for path, leaf in found.items() if leaf is not None or self.arrays[path] is None}

    def without_what_is_gone(self) -> Held:
        """Return the batch without the arrays whose memory is gone, and without the copies of them."""
        left = self.leaves
        if len(left) == len(self.arrays):
            return self
        arrays, contents = ({path: part[path] for path in left} for part in (self.arrays, self.contents))
        return Held(self.index, self.object, arrays, contents)

    @property
    def batch(self) -> Any:
        """The batch, or the large arrays that are left of it, by their paths."""
        return self.leaves if self.object is None else self.object

    @property
    def copied_bytes(self) -> int:
        """How much memory the copies take."""
        return sum(content.nbytes for content in self.contents.values() if content is not None)


class Window:
    """The last batches that a consumer may still hold, each with a copy of its content."""

    def __init__(self, depth: int) -> None:
        """Hold at most ``depth`` batches."""
        self.held: deque[Held] = deque(maxlen=depth)
        self.unread: dict[str, str] = {}
        self.read_something = False
        self.fewest: int | None = None

    def changes(self, at: int, known: Container[str] = ()) -> list[Change]:
        """Return what changed in the held batches, the newest batch first, but for paths that are known to change."""
        self._drop_what_is_gone()
        return [
            change
            for held in reversed(self.held)
            for change in _changes_of(held, at)
            if change.path not in known
        ]

    def add(self, index: int, batch: Any, known: Container[str] = ()) -> None:
        """Keep a batch just yielded, with a whole copy of its content, but for paths that are known to change."""
        leaves = dict(named_leaves(batch))
        contents = {path: None if path in known else self._copy(path, leaf) for path, leaf in leaves.items()}
        self.read_something = self.read_something or any(content is not None for content in contents.values())
        large = is_tuple_of_arrays(batch) and any(may_be_weak(leaf) for leaf in leaves.values())
        arrays = {path: Weak(leaf) if large and may_be_weak(leaf) else leaf for path, leaf in leaves.items()}
        self.held.append(Held(index, None if large else batch, arrays, contents))
        while len(self.held) > 2 and sum(held.copied_bytes for held in self.held) > MOST_COPIED_BYTES:
            self.held.popleft()
            self.fewest = len(self.held)

    def _drop_what_is_gone(self) -> None:
        """Let arrays go of which no memory is left, with the copies of them."""
        self.held = deque((held.without_what_is_gone() for held in self.held), self.held.maxlen)

    def memory_came_again(self) -> bool:
        """Tell whether the last two batches stand in one memory, whether or not anything in it changed."""
        if len(self.held) < 2:
            return False
        old, new = self.held[-2].leaves, self.held[-1].leaves
        return any(share_memory(old.get(path), leaf) for path, leaf in new.items())

    def _copy(self, path: str, leaf: Any) -> Contents | None:
        kind = type(leaf).__name__
        if is_readable(leaf) or isinstance(leaf, SEQUENCES):
            if draws_anew(leaf):
                self.unread[path] = f"{path}: {kind} makes its values anew each time that they are read"
                return None
            try:
                return contents_of(read(leaf))
            except Exception as error:
                self.unread[path] = f"{path}: a {kind} that NumPy cannot read ({type(error).__name__})"
        elif not isinstance(leaf, SCALARS):
            self.unread[path] = f"{path}: a {kind}, which is no array"
        return None


def _changes_of(held: Held, at: int) -> Iterator[Change]:
    """Yield the arrays of a held batch that changed, or whose place in a container another one took."""
    leaves = held.leaves
    now = leaves if held.object is None else dict(named_leaves(held.object))
    for path, leaf in leaves.items():
        before = held.contents[path]
        if path in now and now[path] is leaf and before is not None:
            array = read(leaf)
            changed = changed_values(before, array)
            if changed:
                total = max(array.size, changed)
                yield Change(path, held.index, at, leaf, changed, total, holder=leaf)
        elif path not in now or not _same(before, leaf, now[path]):
            container = container_of(held.object)
            kind = type(container).__name__
            yield Change(path, held.index, at, now.get(path), 0, 0, container=kind, holder=container)


def _same(before: Contents | None, leaf: Any, now: Any) -> bool:
    """Compare an entry of a container with what was in its place when the batch was yielded."""
    if before is None or not (is_readable(now) or isinstance(now, SEQUENCES)):
        return same_value(leaf, now)
    return changed_values(before, read(now)) == 0
