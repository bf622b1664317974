"""Statements: every path through a body; a loop ends when another round adds nothing new."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    Class,
    Function,
    Reference,
    Site,
    Value,
)
from pitfalls.guard.lint.paths.branching import Branching
from pitfalls.guard.lint.paths.machine import Pair
from pitfalls.guard.lint.reading.scopes import LOOPS


@dataclass
class Flow:
    """Where the paths through a body end."""

    normal: list[State] = field(default_factory=list)
    broken: list[State] = field(default_factory=list)
    continued: list[State] = field(default_factory=list)
    returned: list[tuple[State, Value, ast.AST]] = field(default_factory=list)

    def leave_by(self, other: Flow) -> None:
        """Take over what leaves a body otherwise than at its end."""
        self.broken += other.broken
        self.continued += other.continued
        self.returned += other.returned


class Statements(Branching):
    """The part that follows statements."""

    looped: dict[object, Flow]

    def block(self, body: Sequence[ast.stmt], states: list[State]) -> Flow:
        """Follow statements one after the other."""
        flow = Flow(normal=self.distinct(states))
        for statement in body:
            if not flow.normal:
                break
            before, flow.normal = flow.normal, []
            for state in before:
                self.step()
                step = self._statement(statement, state)
                flow.normal += step.normal
                flow.leave_by(step)
            flow.normal = self.distinct(flow.normal)
        return flow

    def _statement(self, node: ast.stmt, state: State) -> Flow:
        how: Callable[..., Flow] | None = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if isinstance(node, LOOPS) and how and self.here.on_yield is None:
            return self._looped(node, state, how)
        return how(node, state) if how else Flow([state])

    def _looped(self, node: ast.stmt, state: State, how: Callable[..., Flow]) -> Flow:
        """Follow a loop once from each state: inside another loop it is met again and again.

        A generator's own loops are no case of this: what its consumer does at a yield may leave by other ways.
        """
        key = (node, state, self.here.frame, len(self.inside), tuple(self.many))
        if key not in self.looped:
            self.looped[key] = how(node, state)
        return self.looped[key]

    def _do_expr(self, node: ast.Expr, state: State) -> Flow:
        return Flow([after for after, _ in self.evaluate(node.value, state)])

    def _do_assign(self, node: ast.Assign, state: State) -> Flow:
        states = []
        for after, value in self.evaluate(node.value, state):
            after, value = self._one_for_the_name(node, value, after)
            paths = [after]
            for target in node.targets:
                paths = [later for path in paths for later in self.assign(target, value, node.value, path)]
            states += paths
        return Flow(states)

    def _one_for_the_name(self, node: ast.Assign, value: Value, state: State) -> Pair:
        """Let all new arrays that one name is given be one, or each branch would double the paths."""
        target = node.targets[0]
        if not isinstance(target, ast.Name) or value != Reference((node.value, self.here.frame)) or self.many:
            return state, value
        assert isinstance(value, Reference)
        memory = state.heap[value.site]
        if memory.kind != "array" or memory.source != "made" or memory.held:
            return state, value
        site: Site = (target.id, self.here.frame)
        heap = {key: item for key, item in state.heap.items() if key != value.site}
        first = self.made.setdefault(site, memory)
        return State(state.names, heap, state.facts).allocate(site, first), Reference(site)

    def _do_annassign(self, node: ast.AnnAssign, state: State) -> Flow:
        if node.value is None:
            return Flow([state])
        paths = self.evaluate(node.value, state)
        return Flow([s for after, value in paths for s in self.assign(node.target, value, node.value, after)])

    def _do_augassign(self, node: ast.AugAssign, state: State) -> Flow:
        return Flow(self.augment(node, state))

    def _do_return(self, node: ast.Return, state: State) -> Flow:
        if node.value is None:
            return Flow(returned=[(state, UNKNOWN, node)])
        return Flow(returned=[(after, value, node) for after, value in self.evaluate(node.value, state)])

    def _do_raise(self, node: ast.Raise, state: State) -> Flow:
        return Flow()

    def _do_break(self, node: ast.Break, state: State) -> Flow:
        return Flow(broken=[state])

    def _do_continue(self, node: ast.Continue, state: State) -> Flow:
        return Flow(continued=[state])

    def _do_if(self, node: ast.If, state: State) -> Flow:
        holds, fails = self.branch(node.test, state)
        flow = self.block(node.body, holds) if holds else Flow()
        other = self.block(node.orelse, fails) if fails else Flow()
        flow.normal += other.normal
        flow.leave_by(other)
        return flow

    def _do_with(self, node: ast.With | ast.AsyncWith, state: State) -> Flow:
        states = [state]
        for item in node.items:
            found = [pair for before in states for pair in self.evaluate(item.context_expr, before)]
            target = item.optional_vars
            states = [self.bind_target(target, UNKNOWN, after) if target else after for after, _ in found]
        return self.block(node.body, states)

    _do_asyncwith = _do_with

    def _do_try(self, node: ast.Try, state: State) -> Flow:
        flow = self.block(node.body, [state])
        caught = self.distinct([state, *flow.normal])
        if node.orelse:
            after = self.block(node.orelse, flow.normal)
            flow.normal = after.normal
            flow.leave_by(after)
        for handler in node.handlers:
            handled = self.block(handler.body, caught)
            flow.normal += handled.normal
            flow.leave_by(handled)
        if node.finalbody:
            last = self.block(node.finalbody, flow.normal)
            flow.normal = last.normal
            flow.leave_by(last)
        return flow

    def _do_match(self, node: ast.Match, state: State) -> Flow:
        states = [after for after, _ in self.evaluate(node.subject, state)]
        flow = Flow(list(states))
        for case in node.cases:
            one = self.block(case.body, states)
            flow.normal += one.normal
            flow.leave_by(one)
        return flow

    def _do_delete(self, node: ast.Delete, state: State) -> Flow:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                after, owner = self.evaluate(target.value, state)[0]
                state = self._removed(owner, target, after)
            elif isinstance(target, ast.Name):
                state = state.bind(self._frame_of(target.id), target.id, UNKNOWN)
        return Flow([state])

    def _removed(self, owner: Value, target: ast.Subscript, state: State) -> State:
        """Follow ``del rows[:]``."""
        memory = state.heap.get(owner.site) if isinstance(owner, Reference) else None
        if memory is None or not isinstance(owner, Reference) or memory.kind not in ("list", "dict"):
            return state
        state = self.write(state, owner, target, "item")
        if isinstance(target.slice, ast.Slice):
            return self._released(owner.site, state.edit(owner.site, items=frozenset(), listed=None))
        return state

    def _do_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, state: State) -> Flow:
        function = Function(node, self.here.module.file, self.here.frame)
        return Flow([state.bind(self._frame_of(node.name), node.name, function)])

    _do_asyncfunctiondef = _do_functiondef

    def _do_classdef(self, node: ast.ClassDef, state: State) -> Flow:
        class_ = Class(node, self.here.module.file)
        return Flow([state.bind(self._frame_of(node.name), node.name, class_)])
