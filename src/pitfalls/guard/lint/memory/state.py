"""State: which name holds what, and what became of each array, at one point of one path."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    Constant,
    Frame,
    Group,
    Method,
    Reference,
    Region,
    Site,
    Value,
)


@dataclass(frozen=True)
class Place:
    """A line of source, in the function that it belongs to."""

    file: str
    line: int
    column: int
    function: str
    node: ast.AST | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Held:
    """Who may still hold a part of an array.

    Attributes:
        by: ``batch``, ``sample``, ``queue``, ``list``, ``transfer`` or ``late``.
        region: The part.
        place: The line that handed it over.
        rewritten: For a list: the line that wrote to the part since.
        holder: For a list: the list.
    """

    by: str
    region: Region
    place: Place
    rewritten: Place | None = None
    holder: Site | None = None


@dataclass(frozen=True)
class Memory:
    """One array, list, dictionary or object.

    Attributes:
        kind: ``array``, ``list``, ``dict``, ``instance``, ``queue`` or ``unsure``: an argument of unknown type.
        place: Where it is allocated.
        name: What the source calls it.
        depth: How deep in calls it got that name.
        dimensions: How many axes it has, if that is known.
        held: Who may still hold it.
        known: Writes that would change nothing, as they were done before: (index, constant).
        items: The contents of a container, the attributes of an object.
        many: How many there are, where a comprehension makes several; 0: one; -1: nobody knows.
        source: ``given``: an argument, or loaded from a file; ``made``: computed, and so no buffer to be filled.
        pinned: Whether transfers from it go on behind the caller's back.
        dtype: Its dtype as it is written.
        listed: The line that rewrote it, for a list to which one array was appended again after that.
    """

    kind: str
    place: Place
    name: str = ""
    depth: int = 0
    dimensions: int | None = None
    held: frozenset[Held] = frozenset()
    known: frozenset[tuple[str, str]] = frozenset()
    items: frozenset[tuple[str, Value]] = frozenset()
    many: int = 0
    source: str = ""
    pinned: bool = False
    dtype: str = ""
    listed: tuple[Site, Held] | None = None


class State:
    """A path's knowledge; never changed, only copied."""

    __slots__ = ("_hash", "facts", "heap", "names")

    def __init__(
        self,
        names: dict[tuple[Frame, str], Value],
        heap: dict[Site, Memory],
        facts: frozenset[tuple[Frame, str, bool]],
    ) -> None:
        """Take over the dictionaries, which nobody changes any more."""
        self.names, self.heap, self.facts = names, heap, facts
        self._hash: int | None = None

    def __hash__(self) -> int:
        """Hash by content."""
        if self._hash is None:
            self._hash = hash((frozenset(self.names.items()), frozenset(self.heap.items()), self.facts))
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Compare by content."""
        if not isinstance(other, State) or hash(self) != hash(other):
            return False
        return (self.names, self.heap, self.facts) == (other.names, other.heap, other.facts)

    def bind(self, frame: Frame, name: str, value: Value) -> State:
        """Return the state in which a name holds something; what cannot be told is not kept."""
        if self.names.get((frame, name), UNKNOWN) == value:
            return self
        names = dict(self.names)
        if value is UNKNOWN:
            del names[frame, name]
        else:
            names[frame, name] = value
        return State(names, self.heap, self.facts)

    def put(self, site: Site, memory: Memory) -> State:
        """Return the state in which a site's memory is like this."""
        return State(self.names, {**self.heap, site: memory}, self.facts)

    def edit(self, site: Site, **changes: object) -> State:
        """Return the state in which something about a site's memory differs."""
        return self.put(site, replace(self.heap[site], **changes))  # type: ignore[arg-type]

    def assume(self, frame: Frame, test: str, holds: bool) -> State:
        """Return the state of the path on which a test came out one way."""
        return State(self.names, self.heap, self.facts | {(frame, test, holds)})

    def coarser(self) -> State:
        """Return the state that no longer knows how tests came out, nor which number or text a name holds."""
        names = {
            key: value
            for key, value in self.names.items()
            if not isinstance(value, Constant) or value.kind == "NoneType"
        }
        return State(names, self.heap, frozenset())

    def allocate(self, site: Site, memory: Memory) -> State:
        """Return the state with new memory; what the site gave out before is no longer followed."""
        state = self._without(site) if site in self.heap else self
        return state.put(site, memory)

    def _without(self, site: Site) -> State:
        names = {key: _erased(value, site) for key, value in self.names.items()}
        heap = {
            other: replace(memory, items=frozenset((k, _erased(v, site)) for k, v in memory.items))
            for other, memory in self.heap.items()
            if other != site
        }
        return State({k: v for k, v in names.items() if v is not UNKNOWN}, heap, self.facts)

    def leave(self, frame: Frame) -> State:
        """Return the state after an activation has ended."""
        names = {key: value for key, value in self.names.items() if key[0] != frame}
        facts = frozenset(fact for fact in self.facts if fact[0] != frame)
        return State(names, self.heap, facts)

    def collected(self, *roots: Value) -> State:
        """Return the state without memory that no name leads to."""
        alive: set[Site] = set()
        waiting = [site for value in (*self.names.values(), *roots) for site in sites_in(value)]
        while waiting:
            site = waiting.pop()
            if site in alive or site not in self.heap:
                continue
            alive.add(site)
            waiting += [inner for _, value in self.heap[site].items for inner in sites_in(value)]
        if len(alive) == len(self.heap):
            return self
        return State(self.names, {site: self.heap[site] for site in alive}, self.facts)


EMPTY = State({}, {}, frozenset())


def sites_in(value: Value) -> list[Site]:
    """Return the memory that a value leads to at once."""
    if isinstance(value, Reference):
        return [value.site]
    if isinstance(value, Group):
        return [site for item in value.items for site in sites_in(item)]
    owner = getattr(value, "owner", None)
    return sites_in(owner) if isinstance(owner, Value) else []


def _erased(value: Value, site: Site) -> Value:
    """Return a value in which references to a site are unknown."""
    if isinstance(value, Reference):
        return UNKNOWN if value.site == site else value
    if isinstance(value, Group):
        return Group(tuple(_erased(item, site) for item in value.items))
    if isinstance(value, Method):
        return UNKNOWN if site in sites_in(value) else value
    return value


def references_in(value: Value, state: State) -> list[Reference]:
    """Return every reference that somebody who gets the value can follow, containers first."""
    found: list[Reference] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Group):
            waiting += item.items
        elif isinstance(item, Reference) and item not in found and item.site in state.heap:
            found.append(item)
            waiting += [inner for _, inner in state.heap[item.site].items]
    return found
