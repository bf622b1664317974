"""Loops: rounds until another one adds nothing new; functions and generators of the tree, followed in place."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    Function,
    Group,
    Integer,
    Produced,
    Value,
)
from pitfalls.guard.lint.paths.machine import OnYield, Pair
from pitfalls.guard.lint.paths.statements import Flow, Statements
from pitfalls.guard.lint.reading.scopes import COMPREHENSIONS, text_of

Walked = list[tuple[State, Value]]
COUNTING = {"range", "itertools.count", "count", "xrange", "trange"}
PASSING = {
    "tqdm",
    "iter",
    "reversed",
    "list",
    "itertools.cycle",
    "cycle",
    "tqdm.tqdm",
    "itertools.islice",
    "islice",
}


@dataclass(frozen=True)
class Each(Value):
    """Something whose every element is like this."""

    item: Value


class Loops(Statements):
    """The part that follows loops and enters functions."""

    def _do_while(self, node: ast.While, state: State) -> Flow:
        flow, seen, waiting = Flow(), set(), [state]
        leaving: list[State] = []
        while waiting:
            head = waiting.pop().collected()
            if head in seen:
                continue
            seen.add(head)
            holds, fails = self.branch(node.test, head)
            leaving += fails
            waiting += self._round(node.body, holds, flow)
            self.distinct(seen)
        return self._after_loop(node, leaving, flow)

    def _round(self, body: list[ast.stmt], states: list[State], flow: Flow) -> list[State]:
        """Follow one round of a loop; return where the next one starts."""
        once = self.block(body, states)
        flow.normal += once.broken
        flow.returned += once.returned
        return self.distinct([*once.normal, *once.continued])

    def _after_loop(self, node: ast.While | ast.For | ast.AsyncFor, leaving: list[State], flow: Flow) -> Flow:
        after = self.block(node.orelse, leaving)
        flow.normal += after.normal
        flow.leave_by(after)
        return flow

    def _do_for(self, node: ast.For | ast.AsyncFor, state: State) -> Flow:
        flow, leaving = Flow(), []
        for before, value in self.walked(node.iter, state):
            if isinstance(value, Produced):
                leaving += self._for_generator(node, value, before, flow)
            else:
                leaving += self._for_values(node, value, before, flow)
        return self._after_loop(node, self.distinct(leaving), flow)

    _do_asyncfor = _do_for

    def _for_values(
        self, node: ast.For | ast.AsyncFor, value: Value, state: State, flow: Flow
    ) -> list[State]:
        seen: set[State] = set()
        waiting = [state]
        while waiting:
            head = waiting.pop().collected(value)
            if head in seen:
                continue
            seen.add(head)
            starts = [self.bind_target(node.target, item, head) for item in self._each(value, head)]
            waiting += self._round(node.body, starts, flow)
            self.distinct(seen)
        return list(seen)

    def _for_generator(
        self, node: ast.For | ast.AsyncFor, value: Produced, state: State, flow: Flow
    ) -> list[State]:
        """Follow a generator of the tree, with the loop's body at each of its yields."""
        consumer = self.inside[-1]

        def at_yield(there: State, item: Value, _: ast.AST) -> list[State]:
            self.inside.append(consumer)
            try:
                return self._round(node.body, [self.bind_target(node.target, item, there)], flow)
            finally:
                self.inside.pop()

        return self.walk_generator(value, state, at_yield)

    def walked(self, node: ast.expr, state: State) -> Walked:
        """Evaluate what a loop walks through: ``enumerate``, ``zip`` and ``range`` are known."""
        name = text_of(node.func) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call):
            return self.evaluate(node, state)
        if name in COUNTING:
            return [(after, Each(Integer())) for after, _ in self.evaluate_all(node.args, state)]
        if (
            name in ("enumerate", "zip")
            and node.args
            and not any(isinstance(a, ast.Starred) for a in node.args)
        ):
            return self._in_step(name, node, state)
        if name in PASSING and node.args:
            return self.walked(node.args[0], state)
        return self.evaluate(node, state)

    def _in_step(self, name: str, node: ast.Call, state: State) -> Walked:
        """Walk through several things at once."""
        nodes = node.args[:1] if name == "enumerate" else node.args
        sources = [self.walked(item, state)[0] for item in nodes]
        if any(isinstance(value, Produced) for _, value in sources):
            return [(state, UNKNOWN)]
        state = sources[-1][0]
        values = [self._each(value, state)[0] for _, value in sources]
        return [(state, Each(Group(tuple([Integer(), *values] if name == "enumerate" else values))))]

    def _each(self, value: Value, state: State) -> list[Value]:
        return [value.item] if isinstance(value, Each) else self.elements(value, state)

    def enter(self, function: Function, frame: int, state: State) -> list[Pair]:
        """Follow a function's body, and return what it returns."""
        flow = self.follow(function, frame, state, None)
        found = [(after.leave(frame), value) for after, value, _ in flow.returned]
        found += [(after.leave(frame), UNKNOWN) for after in flow.normal]
        return list(dict.fromkeys(found))

    def follow(self, function: Function, frame: int, state: State, on_yield: OnYield | None) -> Flow:
        """Follow a function's body in an activation of its own."""
        name = getattr(function.node, "name", "<lambda>")
        activation = self.activation(
            function, frame, f"{function.base.name}.{name}" if function.base else name
        )
        activation.on_yield = on_yield
        self.inside.append(activation)
        try:
            if isinstance(function.node, ast.Lambda):
                paths = self.evaluate(function.node.body, state)
                return Flow(returned=[(after, value, function.node) for after, value in paths])
            return self.block(function.node.body, [state])
        finally:
            self.inside.pop()

    def walk_generator(self, produced: Produced, state: State, handler: OnYield) -> list[State]:  # type: ignore[override]
        """Follow a generator's body, with something done at each yield."""
        if produced.comprehension is not None:
            return self._walk_comprehension(produced.comprehension, state, handler)
        if len(self.inside) > 8 or any(item.node is produced.function.node for item in self.inside):
            return [state]
        flow = self.follow(produced.function, produced.frame, state, handler)
        ends = [*flow.normal, *(after for after, _, _ in flow.returned)]
        return self.distinct(after.leave(produced.frame) for after in ends)

    def _walk_comprehension(self, node: ast.expr, state: State, handler: OnYield) -> list[State]:
        """Follow ``(x[i] for i in ...)``, twice: what it hands out, and what it does after that."""
        assert isinstance(node, COMPREHENSIONS) and not isinstance(node, ast.DictComp)
        for generator in node.generators:
            for after, value in self.walked(generator.iter, state)[:1]:
                state = self.bind_target(generator.target, self._each(value, after)[0], after)
        states = [state]
        for _ in range(2):
            paths = [pair for before in states for pair in self.evaluate(node.elt, before)]
            states = self.distinct(
                later for after, value in paths for later in handler(after, value, node.elt)
            )
        return states

    def hand_over_each(self, value: Value, node: ast.AST, state: State) -> list[State]:
        """Hand out what ``yield from`` walks through."""
        outer = self.here.on_yield

        def at_yield(there: State, item: Value, where: ast.AST) -> list[State]:
            return outer(there, item, where) if outer else [self.hand_out(there, item, where, self.handing)]

        if isinstance(value, Produced):
            return self.walk_generator(value, state, at_yield)
        for item in self.elements(value, state):
            state = self.distinct(at_yield(state, item, node))[0]
        return [state]
