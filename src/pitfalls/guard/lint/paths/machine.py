"""Machine: what all parts of the interpreter share, and the events that rules are made of."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pitfalls.guard.lint.memory.state import Held, Memory, Place, State, references_in
from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    WHOLE,
    Frame,
    Function,
    Reference,
    Region,
    Site,
    Value,
    overlap,
)
from pitfalls.guard.lint.reading.modules import Module, Tree
from pitfalls.guard.lint.reading.scopes import Scope, scope_of

Pair = tuple[State, Value]
OnYield = Callable[[State, Value, ast.AST], list[State]]

MOST_STEPS = 60_000
"""Statements and expressions followed for one function before it is given up: about a second."""

MOST_STEPS_OF_ITERATING = 20_000
"""The same for ``__getitem__`` and its like, of which libraries have many and long ones that make no batches."""

MOST_STEPS_IN_VAIN = 10_000
"""Steps after which a function in which nothing was seen so far is given up.

Of the public functions in which something is found, the first event came after at most 7,108 steps.
"""

MOST_STATES = 160
"""Paths that are kept apart at one point of a function."""

MOST_STATES_IN_VAIN = 40
"""The same while nothing was seen so far: so many paths come from checks of arguments, not from buffers."""

DEEPEST_CALL = 6


BY_INDEX = "by index"
"""The mark of a write whose value follows from the index alone: one of a ring may get what it had before."""


class TooManyPathsError(Exception):
    """A function has more paths than are worth following: nothing is said about it."""


@dataclass
class Activation:
    """A function that is being followed."""

    frame: Frame
    module: Module
    node: ast.AST
    name: str
    scope: Scope
    parent: Frame | None = None
    on_yield: OnYield | None = None
    owner: ast.ClassDef | None = None


@dataclass(frozen=True)
class Event:
    """Memory was written while somebody may hold it.

    Attributes:
        memory: What was written.
        held: Who holds which part.
        place: The line that wrote.
        how: ``item``, ``augmented``, ``call``, ``method`` or ``shuffle``.
        region: The part that was written.
    """

    memory: Memory
    held: Held
    place: Place
    how: str
    region: Region


@dataclass
class Machine:
    """The state of the interpreter itself."""

    tree: Tree
    events: list[Event] = field(default_factory=list)
    steps: int = 0
    limit: int = MOST_STEPS
    inside: list[Activation] = field(default_factory=list)
    many: list[int] = field(default_factory=list)
    frames: dict[tuple[Frame, ast.AST, str], Frame] = field(default_factory=dict)
    parents: dict[Frame, Frame | None] = field(default_factory=dict)
    scopes: dict[Frame, tuple[Scope, Module]] = field(default_factory=dict)
    handing: str = "batch"
    made: dict[Site, Memory] = field(default_factory=dict)
    changed: dict[Site, Place] = field(default_factory=dict)

    @property
    def here(self) -> Activation:
        """The function that is being followed."""
        return self.inside[-1]

    def step(self) -> None:
        """Count, and give up in time.

        Raises:
            TooManyPathsError: It was too much.
        """
        self.steps += 1
        if self.steps > (self.limit if self.events else MOST_STEPS_IN_VAIN):
            raise TooManyPathsError

    def frame_for(self, node: ast.AST, name: str = "") -> Frame:
        """Return the number of an activation that is started from here."""
        outer = self.inside[-1].frame if self.inside else 0
        return self.frames.setdefault((outer, node, name), len(self.frames) + 1)

    def activation(self, function: Function, frame: Frame, name: str) -> Activation:
        """Return the activation of a function."""
        module = self.tree.module(function.module)
        scope = scope_of(function.node)
        parent = function.frame or None
        self.parents[frame] = parent
        self.scopes[frame] = (scope, module)
        return Activation(frame, module, function.node, name, scope, parent, None, function.base)

    def place(self, node: ast.AST) -> Place:
        """Return where a node is."""
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        return Place(self.here.module.file, line, column, self.here.name, node)

    def new(self, node: ast.AST, state: State, kind: str, **more: object) -> Pair:
        """Allocate memory where a node is."""
        site: Site = (node, self.here.frame)
        if self.many:
            more["many"] = self.many[-1]
        memory = Memory(kind, self.place(node), **more)  # type: ignore[arg-type]
        return _without_holder(state, site).allocate(site, memory), Reference(site)

    def distinct(self, states: Iterable[State]) -> list[State]:
        """Return states without repetition.

        Raises:
            TooManyPathsError: They are too many.
        """
        found = dict.fromkeys(states)
        if len(found) > MOST_STATES_IN_VAIN and not self.events:
            raise TooManyPathsError
        if len(found) > MOST_STATES:
            found = dict.fromkeys(state.coarser() for state in found)
        if len(found) > MOST_STATES:
            raise TooManyPathsError
        return list(found)

    def hand_out(self, state: State, value: Value, node: ast.AST, by: str) -> State:
        """Note that somebody may hold a value from here on."""
        place = self.place(node)
        for reference in references_in(value, state):
            memory = state.heap[reference.site]
            if memory.listed:
                written = memory.listed[1].rewritten or place
                original = state.heap.get(memory.listed[0], memory)
                held = Held("list", WHOLE, place)
                self.events.append(Event(original, held, written, "item", WHOLE))
            if memory.kind in ("array", "list", "dict"):
                state = state.edit(
                    reference.site, held=memory.held | {Held(by, _handed_part(memory, reference), place)}
                )
        return state

    def write(self, state: State, reference: Reference, node: ast.AST, how: str, mark: str = "") -> State:
        """Note that memory is written; a mark says that it is with the same constant each time."""
        memory = state.heap.get(reference.site)
        if memory is None or memory.kind in ("unsure", "instance", "queue"):
            return state
        region, place = reference.region, self.place(node)
        if mark == BY_INDEX and region.kind == "ring":
            return state
        mark = "" if mark == BY_INDEX else mark
        if mark and {(region.key, mark), ("", mark)} & memory.known:
            return state
        for held in memory.held:
            if held.by != "list" and overlap(held.region, region):
                self.events.append(Event(memory, held, place, how, region))
        if how == "augmented" and _is_epoch_again(memory, region):
            held = next(item for item in memory.held if item.region.kind == "moving")
            self.events.append(Event(memory, replace(held, by="source"), place, how, region))
        changed = {
            replace(held, rewritten=place) if held.by == "list" and not held.rewritten else held
            for held in memory.held
        }
        known = {(region.key, mark)} if mark else set()
        kept = memory.known if mark and region.kind != "whole" else frozenset()
        return state.edit(reference.site, held=frozenset(changed), known=kept | known)

    def waited(self, state: State, kinds: tuple[str, ...] = ("transfer", "late")) -> State:
        """Note that whatever was under way has arrived."""
        for site, memory in state.heap.items():
            held = frozenset(item for item in memory.held if item.by not in kinds)
            if len(held) < len(memory.held):
                state = state.edit(site, held=held)
        return state


def _is_epoch_again(memory: Memory, region: Region) -> bool:
    """Tell whether slices of data that are handed out are changed in place, and will be changed once more."""
    if region.kind != "moving" or not any(item.region.kind == "moving" for item in memory.held):
        return False
    return memory.source == "given" or (memory.source == "made" and region.key == "again")


def _handed_part(memory: Memory, reference: Reference) -> Region:
    """Return the part that is handed out; several arrays in turn are handed out one at a time."""
    if memory.many and reference.region.kind == "whole":
        return Region("ring", str(memory.many)) if memory.many > 0 else Region("moving")
    return reference.region


def _without_holder(state: State, site: Site) -> State:
    """Return the state in which a list that is made anew holds nothing."""
    for other, memory in state.heap.items():
        held = frozenset(item for item in memory.held if item.holder != site)
        if len(held) < len(memory.held):
            state = state.edit(other, held=held)
    return state


def unknown(state: State) -> list[Pair]:
    """Return a result that cannot be told."""
    return [(state, UNKNOWN)]
