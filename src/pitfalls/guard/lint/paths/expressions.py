"""Expressions: what each can stand for, on each path."""

from __future__ import annotations

import ast
from collections.abc import Callable

from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    MOVING,
    UNKNOWN,
    Constant,
    Function,
    Integer,
    Reference,
    Value,
    constant,
    part_of,
)
from pitfalls.guard.lint.paths.containers import Containers
from pitfalls.guard.lint.paths.machine import Pair, unknown


class Expressions(Containers):
    """The part that evaluates expressions; calls are elsewhere."""

    def evaluate(self, node: ast.expr, state: State) -> list[Pair]:
        """Return what an expression can stand for, with the state after it."""
        self.step()
        how: Callable[..., list[Pair]] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        return how(node, state) if how else self._rest(node, state)

    def evaluate_all(self, nodes: list[ast.expr], state: State) -> list[tuple[State, list[Value]]]:
        """Evaluate expressions one after the other."""
        paths: list[tuple[State, list[Value]]] = [(state, [])]
        for node in nodes:
            paths = [
                (after, [*values, value])
                for before, values in paths
                for after, value in self.evaluate(node, before)
            ]
        return paths

    def _rest(self, node: ast.expr, state: State) -> list[Pair]:
        """Follow what is inside, and say nothing of the result."""
        children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        paths = self.evaluate_all(children, state)
        return [(after, UNKNOWN) for after in dict.fromkeys(after for after, _ in paths)]

    def _constant(self, node: ast.Constant, state: State) -> list[Pair]:
        return [(state, constant(node.value))]

    def _lambda(self, node: ast.Lambda, state: State) -> list[Pair]:
        return [(state, Function(node, self.here.module.file, self.here.frame))]

    def _slice(self, node: ast.Slice, state: State) -> list[Pair]:
        return self._rest(node, state)

    def _ifexp(self, node: ast.IfExp, state: State) -> list[Pair]:
        holds, fails = self.branch(node.test, state)
        first = [pair for before in holds for pair in self.evaluate(node.body, before)]
        return first + [pair for before in fails for pair in self.evaluate(node.orelse, before)]

    def _boolop(self, node: ast.BoolOp, state: State) -> list[Pair]:
        paths = self.evaluate_all(node.values, state)
        return [(after, value) for after, values in paths for value in dict.fromkeys(values)]

    def _namedexpr(self, node: ast.NamedExpr, state: State) -> list[Pair]:
        return [
            (self.bind_target(node.target, value, after), value)
            for after, value in self.evaluate(node.value, state)
        ]

    def _await(self, node: ast.Await, state: State) -> list[Pair]:
        return self.evaluate(node.value, state)

    def _starred(self, node: ast.Starred, state: State) -> list[Pair]:
        return self._rest(node, state)

    def _yield(self, node: ast.Yield, state: State) -> list[Pair]:
        if node.value is None:
            return unknown(state)
        found = []
        for after, value in self.evaluate(node.value, state):
            handler = self.here.on_yield
            states = (
                handler(after, value, node) if handler else [self.hand_out(after, value, node, self.handing)]
            )
            found += [(later, UNKNOWN) for later in states]
        return found

    def _yieldfrom(self, node: ast.YieldFrom, state: State) -> list[Pair]:
        return [
            (later, UNKNOWN)
            for after, value in self.evaluate(node.value, state)
            for later in self.hand_over_each(value, node, after)
        ]

    def _unaryop(self, node: ast.UnaryOp, state: State) -> list[Pair]:
        found = []
        for after, value in self.evaluate(node.operand, state):
            if (
                isinstance(value, Constant)
                and isinstance(node.op, ast.USub)
                and value.kind in ("int", "float")
            ):
                value = constant(-value.value)  # type: ignore[operator]
            elif self.is_array(value, after):
                after, value = self.new(node, after, "array")
            else:
                value = Integer() if isinstance(value, Integer) else UNKNOWN
            found.append((after, value))
        return found

    def is_array(self, value: Value, state: State) -> bool:
        """Tell whether a value is certainly an array."""
        return (
            isinstance(value, Reference)
            and value.site in state.heap
            and state.heap[value.site].kind == "array"
        )

    def _binop(self, node: ast.BinOp, state: State) -> list[Pair]:
        found = []
        for after, (left, right) in self.evaluate_all([node.left, node.right], state):
            if self.is_array(left, after) or self.is_array(right, after):
                found.append(self.new(node, after, "array", source="made"))
            else:
                found.append(self._combined(node, after, left, right))
        return found

    def _combined(self, node: ast.BinOp, state: State, left: Value, right: Value) -> Pair:
        """Return a number made of two, or a list made of a list."""
        owner = state.heap.get(left.site) if isinstance(left, Reference) else None
        if owner and owner.kind == "list":
            items = frozenset(("*", value) for _, value in owner.items | self.contents(right, state))
            many = right.value if isinstance(right, Constant) and isinstance(node.op, ast.Mult) else 0
            return self.new(node, state, "list", items=owner.items if many == 1 else items)
        return state, _arithmetic(node.op, left, right)


def _arithmetic(op: ast.operator, left: Value, right: Value) -> Value:
    """Combine two numbers; only what cannot count on without end is calculated."""
    numbers = (Integer, Constant)
    if not isinstance(left, numbers) or not isinstance(right, numbers):
        if isinstance(op, ast.Mod) and isinstance(right, Constant) and right.kind == "int":
            return Integer(right.value)  # type: ignore[arg-type]
        return UNKNOWN
    if isinstance(left, Constant) and isinstance(right, Constant):
        if left.kind != "int" or right.kind != "int":
            return UNKNOWN
        a, b = int(left.value or 0), int(right.value or 0)
        if isinstance(op, ast.BitXor) or (isinstance(op, ast.Sub) and a in (0, 1) and b in (0, 1)):
            return constant(a ^ b if isinstance(op, ast.BitXor) else a - b)
        if isinstance(op, ast.Mod) and b:
            return constant(a % b)
    if isinstance(op, ast.Mod) and isinstance(right, Constant) and right.kind == "int":
        return Integer(right.value)  # type: ignore[arg-type]
    return Integer()


def moving(reference: Reference) -> Reference:
    """Return one part after the other of an array."""
    return Reference(reference.site, part_of(reference.region, MOVING))
