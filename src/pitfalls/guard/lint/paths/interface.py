"""Interface: what the parts of the interpreter ask of each other."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    Function,
    Value,
)
from pitfalls.guard.lint.paths.machine import Machine, Pair


class Interface(Machine):
    """The parts that stand in other files."""

    def evaluate(self, node: ast.expr, state: State) -> list[Pair]:
        """Return what an expression can stand for, with the state after it."""
        raise NotImplementedError

    def evaluate_all(self, nodes: list[ast.expr], state: State) -> list[tuple[State, list[Value]]]:
        """Evaluate expressions one after the other."""
        raise NotImplementedError

    def call(self, node: ast.Call, state: State) -> list[Pair]:
        """Evaluate a call."""
        raise NotImplementedError

    def apply(
        self, function: Function, node: ast.AST, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Follow a function of the tree."""
        raise NotImplementedError

    def hand_over_each(self, value: Value, node: ast.AST, state: State) -> list[State]:
        """Hand out what a generator makes, one after the other."""
        raise NotImplementedError

    def index_text(self, source: ast.expr) -> str:
        """Return the mark of a value that follows from an index alone."""
        raise NotImplementedError

    def branch(self, test: ast.expr, state: State) -> tuple[list[State], list[State]]:
        """Return the paths on which a test holds, and those on which it does not."""
        raise NotImplementedError

    def bind_target(self, target: ast.expr, value: Value, state: State) -> State:
        """Give a value to a name."""
        raise NotImplementedError
