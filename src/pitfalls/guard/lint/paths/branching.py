"""Branching: which way a test comes out, where that can be told."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import UNKNOWN, Constant, Group, Method, Reference, Value
from pitfalls.guard.lint.paths.assigning import Assigning
from pitfalls.guard.lint.reading.scopes import names_in, text_of

Branches = tuple[list[State], list[State]]


class Branching(Assigning):
    """The part that follows tests."""

    def branch(self, test: ast.expr, state: State) -> Branches:
        """Return the paths on which a test holds, and those on which it does not."""
        self.step()
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            holds, fails = self.branch(test.operand, state)
            return fails, holds
        if isinstance(test, ast.BoolOp):
            return self._both(test, state)
        return self._one(test, state)

    def _both(self, test: ast.BoolOp, state: State) -> Branches:
        """Follow ``and`` and ``or`` from left to right."""
        going, decided = [state], []
        wants = isinstance(test.op, ast.And)
        for part in test.values:
            branches = [self.branch(part, before) for before in going]
            going = [after for holds, fails in branches for after in (holds if wants else fails)]
            decided += [after for holds, fails in branches for after in (fails if wants else holds)]
        going, decided = self.distinct(going), self.distinct(decided)
        return (going, decided) if wants else (decided, going)

    def _one(self, test: ast.expr, state: State) -> Branches:
        holds: list[State] = []
        fails: list[State] = []
        for after, outcome in self._outcomes(test, state):
            if outcome is None:
                outcome = self._remembered(test, after)
            if outcome is not None:
                (holds if outcome else fails).append(after)
                continue
            holds.append(self._assuming(test, after, True))
            fails.append(self._assuming(test, after, False))
        return self.distinct(holds), self.distinct(fails)

    def _outcomes(self, test: ast.expr, state: State) -> list[tuple[State, bool | None]]:
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            paths = self.evaluate_all([test.left, test.comparators[0]], state)
            return [(after, _compared(test.ops[0], left, right)) for after, (left, right) in paths]
        known = self._has_attribute(test, state)
        if known is not None:
            return [(state, known)]
        return [(after, _truth(value, after)) for after, value in self.evaluate(test, state)]

    def _has_attribute(self, test: ast.expr, state: State) -> bool | None:
        """Tell what ``hasattr(self, "x")`` gives, if the attribute was seen to be set."""
        is_asked = (
            isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "hasattr"
        )
        if not is_asked or not isinstance(test, ast.Call) or len(test.args) != 2:
            return None
        owner, name = test.args
        value = self.evaluate(owner, state)[0][1]
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        names = {key for key, _ in memory.items} if memory and memory.kind == "instance" else set()
        return True if isinstance(name, ast.Constant) and name.value in names else None

    def _is_repeated(self, test: ast.expr) -> bool:
        text = text_of(test)
        return text in self.here.scope.repeated and not names_in(test) & self.here.scope.varying

    def _remembered(self, test: ast.expr, state: State) -> bool | None:
        """Return how the same test came out before on this path, if nothing it reads varies."""
        for frame, text, outcome in state.facts:
            if frame == self.here.frame and text == text_of(test):
                return outcome
        return None

    def _assuming(self, test: ast.expr, state: State, outcome: bool) -> State:
        """Return the state in which a test came out one way: a name that is tested for None is then known."""
        if self._is_repeated(test):
            state = state.assume(self.here.frame, text_of(test), outcome)
        return state


def _truth(value: Value, state: State) -> bool | None:
    """Tell whether a value counts as true."""
    if isinstance(value, Constant):
        return bool(value.value) if value.kind != "text" else None
    if isinstance(value, Group):
        return bool(value.items)
    memory = state.heap.get(value.site) if isinstance(value, Reference) else None
    return True if memory and memory.kind in ("instance", "queue") else None


def _compared(op: ast.cmpop, left: Value, right: Value) -> bool | None:
    """Tell how a comparison comes out."""
    if isinstance(op, ast.Is | ast.Eq | ast.IsNot | ast.NotEq):
        same = _same(left, right)
        return None if same is None else same == isinstance(op, ast.Is | ast.Eq)
    return None


def _same(left: Value, right: Value) -> bool | None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant) and one.kind == "NoneType":
            if isinstance(other, Constant):
                return other.kind == "NoneType"
            return None if other is UNKNOWN or isinstance(other, Method) else False
    if isinstance(left, Constant) and isinstance(right, Constant):
        return left == right if "text" not in (left.kind, right.kind) else None
    return None
