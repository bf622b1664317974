"""Calls: allocators, views, copies, what writes into its arguments, and functions of the tree."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory import libraries
from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    Class,
    Function,
    Library,
    Method,
    Produced,
    Reference,
    Value,
)
from pitfalls.guard.lint.paths.functions import Functions
from pitfalls.guard.lint.paths.machine import DEEPEST_CALL, Pair, unknown
from pitfalls.guard.lint.reading.scopes import is_generator, text_of

Arguments = tuple[list[Value], dict[str, Value]]


class Calls(Functions):
    """The part that follows calls."""

    def call(self, node: ast.Call, state: State) -> list[Pair]:
        """Evaluate a call: what is called, then its arguments, then what it does."""
        found: list[Pair] = []
        plain = [item.value if isinstance(item, ast.Starred) else item for item in node.args]
        nodes = [node.func, *plain, *(item.value for item in node.keywords)]
        for after, (called, *values) in self.evaluate_all(nodes, state):
            positional, rest = values[: len(plain)], values[len(plain) :]
            named = {item.arg or "**": value for item, value in zip(node.keywords, rest, strict=True)}
            after = self._written_keywords(node, named, after)
            found += self._called(called, node, after, positional, named)
        return found

    _call = call

    def _written_keywords(self, node: ast.Call, named: dict[str, Value], state: State) -> State:
        """Note the writes of ``out=`` and its kin."""
        for name in libraries.WRITING_KEYWORDS & set(named):
            value = named[name]
            if isinstance(value, Reference) and not self._undone(node, value):
                state = self.write(state, value, node, "call")
        return state

    def _undone(self, node: ast.Call, value: Value) -> bool:
        """Tell whether a call may undo what the same call did before."""
        name = text_of(node.func).rpartition(".")[2]
        return f"numpy.{name}" in libraries.UNDONE_BY_ITSELF

    def _called(
        self, called: Value, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        if isinstance(called, Function):
            return self.apply(called, node, state, values, named)
        if isinstance(called, Class):
            return self._instance(called, node, state, values, named)
        if isinstance(called, Library):
            return self._library(called.path, node, state, values, named)
        if isinstance(called, Method):
            return self._method(called, node, state, values, named)
        return self._c_array(node, state)

    def _c_array(self, node: ast.Call, state: State) -> list[Pair]:
        """Allocate what ``(ctypes.c_double * 16)()`` does."""
        if isinstance(node.func, ast.BinOp) and text_of(node.func.left).startswith("ctypes.c_"):
            return [self.new(node, state, "array", dimensions=1)]
        return unknown(state)

    def apply(
        self, function: Function, node: ast.AST, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Follow a function of the tree, unless that leads too deep or back into itself."""
        if len(self.inside) > DEEPEST_CALL or any(item.node is function.node for item in self.inside):
            return unknown(state)
        frame = self.frame_for(node, getattr(function.node, "name", "lambda"))
        state = self._bound(function, frame, state, values, named)
        if is_generator(function.node):
            return [(state, Produced(function, frame))]
        if isinstance(function.node, ast.AsyncFunctionDef):
            return unknown(state)
        return self.enter(function, frame, state)

    def enter(self, function: Function, frame: int, state: State) -> list[Pair]:
        """Follow a function's body and return what it returns."""
        raise NotImplementedError

    def walk_generator(self, produced: Produced, state: State, handler: object) -> list[State]:
        """Follow a generator's body, with something done at each yield."""
        raise NotImplementedError

    def _bound(
        self, function: Function, frame: int, state: State, values: list[Value], named: dict[str, Value]
    ) -> State:
        """Bind arguments to parameters; constants that are defaults are known."""
        arguments = function.node.args
        names = [item.arg for item in (*arguments.posonlyargs, *arguments.args)]
        given = [function.owner, *values] if function.owner is not None else values
        bound: dict[str, Value] = dict(zip(names, given, strict=False))  # type: ignore[arg-type]
        bound |= {name: value for name, value in named.items() if name != "**"}
        for name, default in defaults_of(arguments).items():
            if name not in bound and "**" not in named and isinstance(default, ast.Constant):
                bound[name] = self.evaluate(default, state)[0][1]
        state = state.leave(frame)
        for name, value in bound.items():
            state = state.bind(frame, name, value)
        return state

    def _instance(
        self, class_: Class, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Make an object of a class of the tree."""
        items: frozenset[tuple[str, Value]] = frozenset({("__class__", class_)})
        state, owner = self.new(node, state, "instance", items=items)
        assert isinstance(owner, Reference)
        start = self.method_of(owner, "__init__", state)
        if start:
            return [(after, owner) for after, _ in self.apply(start, node, state, values, named)]
        fields = [text_of(item.target) for item in class_.node.body if isinstance(item, ast.AnnAssign)]
        given = dict(zip(fields, values, strict=False)) | named
        return [(state.edit(owner.site, items=items | frozenset(given.items())), owner)]

    def _method(
        self, method: Method, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Follow a method of something that is no object of the tree."""
        raise NotImplementedError


def defaults_of(arguments: ast.arguments) -> dict[str, ast.expr]:
    """Return the defaults of parameters by name."""
    names = [item.arg for item in (*arguments.posonlyargs, *arguments.args)]
    found = dict(zip(reversed(names), reversed(arguments.defaults), strict=False))
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {item.arg: default for item, default in named if default is not None}
