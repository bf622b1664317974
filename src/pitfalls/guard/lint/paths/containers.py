"""Containers: tuples, lists, dictionaries, comprehensions, and what an index of them gives."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    LONGEST_RING,
    UNKNOWN,
    Constant,
    Function,
    Group,
    Integer,
    Produced,
    Reference,
    Value,
    part_of,
)
from pitfalls.guard.lint.paths.indexing import region_of, view_of
from pitfalls.guard.lint.paths.machine import Pair, unknown
from pitfalls.guard.lint.paths.names import Names
from pitfalls.guard.lint.reading.scopes import COMPREHENSIONS


class Containers(Names):
    """The part that knows what containers hold."""

    def _tuple(self, node: ast.Tuple, state: State) -> list[Pair]:
        return [(after, Group(tuple(values))) for after, values in self.evaluate_all(node.elts, state)]

    def _list(self, node: ast.List, state: State) -> list[Pair]:
        found = []
        for after, values in self.evaluate_all(node.elts, state):
            keys = "" if any(isinstance(item, ast.Starred) for item in node.elts) else "0"
            items = {(str(i) if keys else "*", value) for i, value in enumerate(values)}
            found.append(self.new(node, after, "list", items=frozenset(items)))
        return found

    def _dict(self, node: ast.Dict, state: State) -> list[Pair]:
        found = []
        for after, values in self.evaluate_all(node.values, state):
            items = {
                (str(key.value) if isinstance(key, ast.Constant) else "*", value)
                for key, value in zip(node.keys, values, strict=True)
                if key is not None
            }
            spread = [value for key, value in zip(node.keys, values, strict=True) if key is None]
            items |= {pair for value in spread for pair in self.contents(value, after)}
            found.append(self.new(node, after, "dict", items=frozenset(items)))
        return found

    def contents(self, value: Value, state: State) -> frozenset[tuple[str, Value]]:
        """Return what a container holds."""
        if isinstance(value, Group):
            return frozenset((str(i), item) for i, item in enumerate(value.items))
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        return memory.items if memory and memory.kind in ("list", "dict") else frozenset()

    def _listcomp(self, node: ast.ListComp, state: State) -> list[Pair]:
        state, elements = self._comprehended(node, [node.elt], state)
        return [self.new(node, state, "list", items=frozenset(("*", value) for value in elements))]

    def _dictcomp(self, node: ast.DictComp, state: State) -> list[Pair]:
        state, elements = self._comprehended(node, [node.value], state)
        return [self.new(node, state, "dict", items=frozenset(("*", value) for value in elements))]

    def _setcomp(self, node: ast.SetComp, state: State) -> list[Pair]:
        return unknown(self._comprehended(node, [node.elt], state)[0])

    def _comprehended(self, node: ast.expr, parts: list[ast.expr], state: State) -> tuple[State, list[Value]]:
        """Evaluate the element of a comprehension once, as standing for all of them."""
        assert isinstance(node, COMPREHENSIONS)
        for generator in node.generators:
            state = self.bind_target(generator.target, UNKNOWN, state)
        sources = [self.evaluate(generator.iter, state)[0] for generator in node.generators[:1]]
        state = sources[0][0]
        state = self._bind_index(node.generators[0], state)
        self.many.append(self._count(node))
        try:
            state, values = self.evaluate_all(parts, state)[0]
        finally:
            self.many.pop()
        return state, values

    def _bind_index(self, generator: ast.comprehension, state: State) -> State:
        call = generator.iter
        is_range = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
        return self.bind_target(generator.target, Integer() if is_range else UNKNOWN, state)

    def _count(self, node: ast.expr) -> int:
        """Return how many elements a comprehension has, -1 if that is not written."""
        assert isinstance(node, COMPREHENSIONS)
        call = node.generators[0].iter
        plain = len(node.generators) == 1 and not node.generators[0].ifs
        if (
            plain
            and isinstance(call, ast.Call)
            and len(call.args) == 1
            and isinstance(call.args[0], ast.Constant)
        ):
            value = call.args[0].value
            return value if isinstance(value, int) and value > 1 else 0
        return -1

    def _generatorexp(self, node: ast.GeneratorExp, state: State) -> list[Pair]:
        here = Function(
            ast.Lambda(ast.arguments([], [], None, [], [], None, []), node.elt), self.here.module.file, 0
        )
        return [(state, Produced(here, self.here.frame, node))]

    def _subscript(self, node: ast.Subscript, state: State) -> list[Pair]:
        found: list[Pair] = []
        for between, owner in self.evaluate(node.value, state):
            for after, index in self.evaluate(node.slice, between):
                found += self.element(owner, node.slice, index, after)
        return found

    def element(self, owner: Value, index: ast.expr, value: Value, state: State) -> list[Pair]:
        """Return what an index of something can stand for."""
        if isinstance(owner, Group):
            return [(state, _item(owner, value))]
        memory = state.heap.get(owner.site) if isinstance(owner, Reference) else None
        if memory is None or not isinstance(owner, Reference):
            return unknown(state)
        if memory.kind == "array":
            return [(state, view_of(state, owner, index, value, self.here))]
        if memory.kind in ("list", "dict") and not isinstance(index, ast.Slice):
            return [(state, item) for item in self._stored(state, owner, value, index)]
        return unknown(state)

    def _stored(self, state: State, owner: Reference, index: Value, node: ast.expr) -> list[Value]:
        """Return what a container holds under an index; several arrays in turn become one that moves."""
        items = state.heap[owner.site].items
        key = str(index.value) if isinstance(index, Constant) else None
        found = [value for name, value in items if key is None or name in (key, "*")]
        return [self._turn(value, index, len(items), node, state) for value in found] or [UNKNOWN]

    def _turn(self, value: Value, index: Value, count: int, node: ast.expr, state: State) -> Value:
        if not isinstance(value, Reference) or value.site not in state.heap:
            return value
        if state.heap[value.site].many:
            return Reference(value.site, part_of(value.region, region_of(node, index, self.here)))
        return value if count == 1 or isinstance(index, Constant) else self._in_turn(value, index, count)

    def _in_turn(self, value: Reference, index: Value, count: int) -> Value:
        """Return one of several arrays, taken in turn where the index says so."""
        ring = index.ring if isinstance(index, Integer) else None
        return value if ring and ring <= count and ring <= LONGEST_RING else UNKNOWN


def _item(group: Group, index: Value) -> Value:
    if isinstance(index, Constant) and isinstance(index.value, int) and -len(group.items) <= index.value:
        return group.items[index.value] if index.value < len(group.items) else UNKNOWN
    return UNKNOWN
