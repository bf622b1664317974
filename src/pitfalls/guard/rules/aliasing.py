"""Aliasing: compares the last batches with what they were when they were yielded.

The window keeps references to the last ``depth`` batches, so that their memory
cannot be freed and handed out again: a change of their content is then always a
write by somebody who still has the memory, never the allocator's doing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.changes import Change, container_kind, describe
from pitfalls.guard.rules.detectors import few_of_each_part
from pitfalls.guard.stream.batches import SCALARS, SEQUENCES, is_readable, named_leaves, read
from pitfalls.guard.stream.contents import Contents, changed_values, contents_of, same_value
from pitfalls.guard.stream.lines import Place, Places, find_places
from pitfalls.guard.stream.memory import share_memory

DEFAULT_DEPTH = 10


class Aliasing:
    """Arrays that changed after they were yielded, and the lines that allocate and refill them."""

    def __init__(self, source: Any, depth: int) -> None:
        """Keep the last ``depth`` batches of a source."""
        self.source, self.window = source, Window(depth)
        self.changes: dict[str, tuple[Change, Places]] = {}

    def see(self, index: int, batch: Any) -> None:
        """Compare the held batches with what they were, and hold the new one."""
        self.compare(index)
        self.window.add(index, batch)

    def compare(self, at: int) -> None:
        """Note which held arrays have changed by the time that a batch was made."""
        for change in self.window.changes(at):
            if change.path not in self.changes:
                self.changes[change.path] = change, find_places(self.source, change.leaf)

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
        return [*unnamed, *self.window.unread.values()]


@dataclass(frozen=True)
class Held:
    """A batch as it was yielded: the object itself, its leaves, and copies of what they held."""

    index: int
    batch: Any
    leaves: dict[str, object]
    contents: dict[str, Contents | None]


class Window:
    """The last batches that a consumer may still hold, each with a copy of its content."""

    def __init__(self, depth: int) -> None:
        """Hold at most ``depth`` batches."""
        self.held: deque[Held] = deque(maxlen=depth)
        self.unread: dict[str, str] = {}

    def changes(self, at: int) -> list[Change]:
        """Return what changed in the held batches, the newest batch first."""
        return [change for held in reversed(self.held) for change in _changes_of(held, at)]

    def add(self, index: int, batch: Any) -> None:
        """Keep a batch just yielded, with a whole copy of its content."""
        leaves = dict(named_leaves(batch))
        contents = {path: self._copy(path, leaf) for path, leaf in leaves.items()}
        self.held.append(Held(index, batch, leaves, contents))

    def nothing_was_read(self) -> bool:
        """Tell whether there were arrays, and NumPy could read none of them."""
        contents = [content for held in self.held for content in held.contents.values()]
        return bool(self.unread) and all(content is None for content in contents)

    def memory_came_again(self) -> bool:
        """Tell whether the last two batches stand in one memory, whether or not anything in it changed."""
        if len(self.held) < 2:
            return False
        old, new = self.held[-2].leaves, self.held[-1].leaves
        return any(share_memory(old.get(path), leaf) for path, leaf in new.items())

    def _copy(self, path: str, leaf: Any) -> Contents | None:
        kind = type(leaf).__name__
        if is_readable(leaf) or isinstance(leaf, SEQUENCES):
            try:
                return contents_of(read(leaf))
            except Exception as error:
                self.unread[path] = f"{path}: a {kind} that NumPy cannot read ({type(error).__name__})"
        elif not isinstance(leaf, SCALARS):
            self.unread[path] = f"{path}: a {kind}, which is no array"
        return None


def _changes_of(held: Held, at: int) -> Iterator[Change]:
    """Yield the arrays of a held batch that changed, or whose place in a container another one took."""
    now = dict(named_leaves(held.batch))
    for path, leaf in held.leaves.items():
        before = held.contents[path]
        if path in now and now[path] is leaf and before is not None:
            array = read(leaf)
            changed = changed_values(before, array)
            if changed:
                yield Change(path, held.index, at, leaf, changed, max(array.size, changed))
        elif path not in now or not _same(before, leaf, now[path]):
            kind = container_kind(held.batch)
            yield Change(path, held.index, at, now.get(path), 0, 0, container=kind)


def _same(before: Contents | None, leaf: Any, now: Any) -> bool:
    """Compare an entry of a container with what was in its place when the batch was yielded."""
    if before is None or not (is_readable(now) or isinstance(now, SEQUENCES)):
        return same_value(leaf, now)
    return changed_values(before, read(now)) == 0
