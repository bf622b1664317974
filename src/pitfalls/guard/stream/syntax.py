"""Syntax: looks up in a file's text where some names are bound, and where what they stand for is written to.

A line counts only in the function that has the names and in those that it calls by name, and a
write only where the function can come to it after it has yielded.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pitfalls.guard.stream.statements import (
    Binding,
    Function,
    Names,
    Node,
    arguments,
    bindings_in,
    calls_a_function,
    makes_something,
    mentions,
    spelling,
    written_line,
)

NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
LOOPS = (ast.While, ast.For, ast.AsyncFor)
YIELDS = (ast.Yield, ast.YieldFrom)


class Source:
    """The text of one file."""

    def __init__(self, text: str) -> None:
        """Parse it.

        Raises:
            SyntaxError: It is not Python.
        """
        self.tree = ast.parse(text)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def lines_of(self, first_line: int, names: Names) -> tuple[int | None, int | None]:
        """Return the line that allocates what some names of a function stand for, and one that refills it.

        Args:
            first_line: Where the function begins, its decorators included.
            names: Its names for the memory.
        """
        function = self._function(first_line)
        if function is None:
            return None, None
        known = {
            name: what for name, what in names.items() if self._stands_for_one_thing(function, name, names)
        }
        allocated = {line for name in known if (line := self._allocation(function, name, names))}
        refilled = [line for node in self._reachable(function) if (line := written_line(node, known))]
        return (allocated.pop() if len(allocated) == 1 else None), min(refilled, default=None)

    def _function(self, first_line: int) -> Function | None:
        """Return the function that begins on a line."""
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _begins(node) == first_line:
                return node
        return None

    def _stands_for_one_thing(self, function: Function, name: str, names: Names) -> bool:
        """Tell whether a name is bound at most once where it is known, views of the same memory aside."""
        bindings = self._bindings(function, name)
        views = [item for item in bindings if item.value is not None and mentions(item.value, names)]
        return len(bindings) <= 1 or len(views) == len(bindings)

    def _allocation(self, function: Function, name: str, names: Names) -> int | None:
        """Return the line that binds a name to something new."""
        for binding in self._bindings(function, name):
            value = binding.value
            if value is None or mentions(value, names):
                continue
            once = (
                not names[name].level and calls_a_function(value) and not _comes_again(function, binding.line)
            )
            if once or makes_something(value, names[name].level):
                return binding.line
        return None

    def _bindings(self, function: Function, name: str) -> list[Binding]:
        """Return the bindings of a name in the scope that it belongs to, without those made from itself."""
        for scope in self._scopes(function, name):
            found = [binding for node in scope for binding in bindings_in(node, name)]
            if found:
                return [item for item in found if item.value is None or not mentions(item.value, (name,))]
        return []

    def _scopes(self, function: Function, name: str) -> Iterator[list[Node]]:
        """Yield the nodes of each scope that may bind a name, the innermost first."""
        if "." in name:
            yield [node for method in self._methods(function) for node in _own_nodes(method)]
            return
        scope: Node | None = function
        while scope is not None:
            if not isinstance(scope, ast.ClassDef) and isinstance(scope, (*NESTED, ast.Module)):
                yield list(_own_nodes(scope))
            scope = self.parents.get(scope)

    def _methods(self, function: Function) -> list[Function]:
        """Return the functions of the class that a method belongs to; for a plain function none."""
        parent = self.parents.get(function)
        body = parent.body if isinstance(parent, ast.ClassDef) else []
        return [node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]

    def _reachable(self, function: Function) -> Iterator[Node]:
        """Yield the nodes that run after a function's first yield, and those of the functions that they call."""
        seen, todo = {function}, [function]
        while todo:
            current = todo.pop()
            for node in _after_a_yield(current):
                yield node
                called = self._called(current, node)
                if called is not None and called not in seen:
                    seen.add(called)
                    todo.append(called)

    def _called(self, function: Function, node: Node) -> Function | None:
        """Return the function that a node calls: one nested in this function or around it, or a method of its own object."""
        if not isinstance(node, ast.Call):
            return None
        spelled = spelling(node.func)
        own, _, name = (spelled or "").partition(".")
        if name and own == next((item.arg for item in function.args.args), None):
            return next((item for item in self._methods(function) if item.name == name), None)
        nested = (
            item for item in ast.walk(function) if isinstance(item, ast.FunctionDef) and item.name == spelled
        )
        return next((item for item in nested if not arguments(item)), None)


def _begins(function: Function) -> int:
    """Return a function's first line, its decorators included."""
    return min([function.lineno, *(item.lineno for item in function.decorator_list)])


def _own_nodes(scope: Node) -> Iterator[Node]:
    """Yield the nodes of a function or a module without those of the functions inside it."""
    yield scope
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, NESTED):
            todo += ast.iter_child_nodes(node)


def _after_a_yield(function: Function) -> Iterator[Node]:
    """Yield the nodes that a function can come to again: what shares a loop with a yield, or stands behind one."""
    nodes = list(_own_nodes(function))
    yields = [node.lineno for node in nodes if isinstance(node, YIELDS)]
    loops = [node for node in nodes if isinstance(node, LOOPS) and _holds_a_yield(node)]
    again = {id(inner) for loop in loops for part in loop.body for inner in ast.walk(part)}
    for node in nodes:
        if not yields or id(node) in again or getattr(node, "lineno", 0) > min(yields):
            yield node


def _comes_again(function: Function, line: int) -> bool:
    """Tell whether a function can come to a line again after it has yielded."""
    return any(getattr(node, "lineno", None) == line for node in _after_a_yield(function))


def _holds_a_yield(loop: Node) -> bool:
    return any(isinstance(node, YIELDS) for node in _own_nodes(loop))
