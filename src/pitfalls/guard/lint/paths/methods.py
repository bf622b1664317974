"""Methods: of arrays, lists, dictionaries, queues, random generators and files."""

from __future__ import annotations

import ast
from dataclasses import replace

from pitfalls.guard.lint.memory import libraries
from pitfalls.guard.lint.memory.state import Held, Memory, State, references_in
from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    Constant,
    Method,
    Reference,
    Site,
    Value,
)
from pitfalls.guard.lint.paths.calls import Calls
from pitfalls.guard.lint.paths.machine import Pair, unknown
from pitfalls.guard.lint.reading.scopes import text_of


class Methods(Calls):
    """The part that follows methods of what is no object of the tree."""

    def _method(
        self, method: Method, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        if isinstance(method.owner, Method) and method.owner.name == "super":
            return self._inherited(method, node, state, values, named)
        state = self._filled_argument(method.name, node, state, values)
        owner = method.owner
        memory = state.heap.get(owner.site) if isinstance(owner, Reference) else None
        if method.name in ("put", "put_nowait") and values and self._is_queue(method, memory):
            return unknown(self.hand_out(state, values[0], node, "queue"))
        if method.name in libraries.WAITING_METHODS:
            state = self._joined(method, state)
        if _is_true(named.get("non_blocking", UNKNOWN)):
            state = self._transferred(method, node, state, values)
        if memory is None or not isinstance(owner, Reference):
            return unknown(state)
        if memory.kind == "array":
            return self._of_array(method.name, owner, memory, node, state, values)
        if memory.kind in ("list", "dict"):
            return self._of_container(method.name, owner, memory, node, state, values)
        return unknown(state)

    def _joined(self, method: Method, state: State) -> State:
        """Note a wait; whoever joins a queue waits until it is empty."""
        kinds = ("transfer", "late", "queue") if method.name == "join" else ("transfer", "late")
        return self.waited(state, kinds)

    def _is_queue(self, method: Method, memory: Memory | None) -> bool:
        """Tell whether something is a queue: by where it comes from, else by what it is called."""
        if memory is not None and memory.kind != "unsure":
            return memory.kind == "queue"
        assert isinstance(method.node, ast.Attribute)
        name = text_of(method.node.value).rpartition(".")[2].lower().strip("_")
        return "queue" in name or name == "q" or name.endswith("_q")

    def _inherited(
        self, method: Method, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Follow ``super().method(...)`` where the base class is in the tree."""
        assert isinstance(method.owner, Method)
        owner, base = method.owner.owner, self.here.owner
        if not isinstance(owner, Reference) or owner.site not in state.heap or base is None:
            return unknown(state)
        lineage = self.classes_of(owner, state)
        nodes = [item.node for item in lineage]
        for class_ in lineage[nodes.index(base) + 1 :] if base in nodes else []:
            function = self.method_in(class_, method.name, owner)
            if function:
                return self.apply(function, node, state, values, named)
        return unknown(state)

    def _filled_argument(self, name: str, node: ast.Call, state: State, values: list[Value]) -> State:
        """Note that a file, a socket or a random generator writes into an argument."""
        index = libraries.WRITES_ARGUMENT_METHODS.get(name)
        if index is None or index >= len(values) or not isinstance(values[index], Reference):
            return state
        value = values[index]
        assert isinstance(value, Reference)
        return self.write(state, value, node, "shuffle" if name == "shuffle" else "call")

    def _transferred(self, method: Method, node: ast.Call, state: State, values: list[Value]) -> State:
        """Note a transfer that goes on behind the caller's back; only pinned memory does that."""
        lent = values[0] if method.name == "copy_" and values else method.owner
        pinned = [item for item in references_in(lent, state) if state.heap[item.site].pinned]
        for reference in pinned:
            state = self.lend(state, reference, node, "transfer")
        return state

    def _of_array(
        self, name: str, owner: Reference, memory: Memory, node: ast.Call, state: State, values: list[Value]
    ) -> list[Pair]:
        """Follow a method of an array."""
        writes = name in libraries.WRITING_METHODS["array"] or _is_torch_write(name)
        if writes and not (name == "sort" and "sorted" in memory.name):
            filled = node.args[0] if name in ("fill", "fill_") and node.args else None
            mark = (self.constant_text(filled) or self.index_text(filled)) if filled else ""
            mark = "0" if name == "zero_" else mark
            return [(self.write(state, owner, node, "method", mark), owner)]
        if name == "pin_memory":
            return [self.new(node, state, "array", pinned=True)]
        if name in ("reshape", "view") and node.args:
            return [(state, replace(owner, dimensions=_axes_of(node)))]
        if name in libraries.VIEW_METHODS:
            return [(state, owner)]
        if name in ("float", "double", "to", "type", "long", "int"):
            return [(state, owner if self._keeps_dtype(name, memory) else UNKNOWN)]
        if name in libraries.FRESH_METHODS and name not in libraries.SCALARS_WITHOUT_SIZE:
            return [self._copied(name, node, state, memory)]
        return unknown(state)

    def _copied(self, name: str, node: ast.Call, state: State, memory: Memory) -> Pair:
        if name in ("copy", "clone", "astype") and not any(item.arg == "copy" for item in node.keywords):
            return self.new(node, state, "array", dimensions=memory.dimensions)
        return state, UNKNOWN

    def _keeps_dtype(self, name: str, memory: Memory) -> bool:
        """Tell whether torch's conversion returns the tensor itself, as nothing is to be converted."""
        same = {"float": "float32", "double": "float64", "long": "int64"}.get(name)
        return bool(same) and memory.dtype.rpartition(".")[2].strip("'\"") == same

    def _of_container(
        self, name: str, owner: Reference, memory: Memory, node: ast.Call, state: State, values: list[Value]
    ) -> list[Pair]:
        """Follow a method of a list or a dictionary."""
        if name in ("append", "appendleft", "add") and values:
            return unknown(self._appended(owner, values[0], node, state))
        if name == "copy":
            return [self.new(node, state, memory.kind, items=memory.items)]
        if name in ("get", "pop", "popleft") and memory.kind == "dict":
            return self.element(owner, node.args[0], values[0], state) if values else unknown(state)
        if name in ("values", "items"):
            return [(state, owner)]
        if name in libraries.WRITING_METHODS[memory.kind]:
            state = self.write(state, owner, node, "method")
            return unknown(self._changed(name, owner, state, values))
        return unknown(state)

    def _changed(self, name: str, owner: Reference, state: State, values: list[Value]) -> State:
        """Note what a container holds after a method."""
        items = state.heap[owner.site].items
        if name == "clear":
            return self._released(owner.site, state.edit(owner.site, items=frozenset(), listed=None))
        added = [value for item in values for _, value in self.contents(item, state)]
        if name == "update" and values:
            added_items = self.contents(values[0], state)
            kept = {(key, value) for key, value in items if key not in dict(added_items)}
            return state.edit(owner.site, items=frozenset(kept) | added_items)
        if name in ("extend", "insert"):
            added += [value for value in values if isinstance(value, Reference)] if name == "insert" else []
            return state.edit(owner.site, items=items | {("*", value) for value in added})
        return state

    def _released(self, holder: Site, state: State) -> State:
        """Note that a list holds nothing any more."""
        for site, memory in state.heap.items():
            held = frozenset(item for item in memory.held if item.holder != holder)
            state = state.edit(site, held=held) if len(held) < len(memory.held) else state
        return state

    def _appended(self, owner: Reference, value: Value, node: ast.Call, state: State) -> State:
        """Append to a list; an array that is in it already and was rewritten since makes equal rows."""
        state = self.write(state, owner, node, "method")
        state = state.edit(owner.site, items=state.heap[owner.site].items | {("*", value)})
        for reference in references_in(value, state):
            memory = state.heap[reference.site]
            if memory.kind == "array" and not memory.many and reference.region.kind in ("whole", "fixed"):
                state = self._kept_in_list(owner, reference, node, state)
        return state

    def _kept_in_list(self, owner: Reference, reference: Reference, node: ast.Call, state: State) -> State:
        memory = state.heap[reference.site]
        before = [item for item in memory.held if item.holder == owner.site and item.rewritten]
        if before:
            return state.edit(owner.site, listed=(reference.site, before[0]))
        held = Held("list", reference.region, self.place(node), None, owner.site)
        if any(item.holder == owner.site for item in memory.held):
            return state
        return state.edit(reference.site, held=memory.held | {held})


def _is_torch_write(name: str) -> bool:
    """Tell whether a method has torch's mark of a write."""
    return name.endswith("_") and not name.endswith("__") and name not in libraries.TORCH_HARMLESS


def _axes_of(node: ast.Call) -> int | None:
    """Return how many axes a call of ``reshape`` or ``view`` names."""
    shape = node.args[0].elts if isinstance(node.args[0], ast.Tuple | ast.List) else node.args
    plain = not any(isinstance(item, ast.Starred) for item in shape)
    return len(shape) if plain and len(shape) > 1 else None


def _is_true(value: Value) -> bool:
    return isinstance(value, Constant) and value.value is True
