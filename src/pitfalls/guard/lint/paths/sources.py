"""Sources: writes into data that somebody else will read again, a sample or the list that it is in."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory.state import Held, State
from pitfalls.guard.lint.memory.values import MOVING, WHOLE, Reference, Region, Value
from pitfalls.guard.lint.paths.machine import Event
from pitfalls.guard.lint.paths.methods import Methods
from pitfalls.guard.lint.reading.scopes import names_in, own_nodes, text_of
from pitfalls.guard.lint.reading.transforms import sample_of

ITEM_METHODS = ("__next__", "next", "__getitem__")


class Sources(Methods):
    """The part that follows writes into sources."""

    def changed_part(self, owner: Reference, target: ast.Subscript, region: Region, state: State) -> None:
        """Note that a part of a slice of given data is written, where the slice is then handed out."""
        memory, name = state.heap[owner.site], text_of(target.value)
        if memory.source != "given" or region.kind == "whole" or owner.region.kind != "moving":
            return
        handed = self._handed_by_name(name) if name in self.here.scope.taken else None
        if handed is not None and isinstance(target.slice, ast.Constant | ast.Compare):
            self._note(owner, handed, target, owner.region, state)

    def changed_element(self, name: str, node: ast.AST, state: State) -> None:
        """Note that something taken from a list of the object is changed in place, and then handed out."""
        taken = self.here.scope.taken.get(name)
        handed = self._handed_by_name(name) if isinstance(taken, ast.Attribute) else None
        if handed is None or taken is None:
            return
        for after, value in self.evaluate(taken, state)[:1]:
            memory = after.heap.get(value.site) if isinstance(value, Reference) else None
            if memory and memory.kind == "list" and isinstance(value, Reference):
                self._note(value, handed, node, MOVING, after)

    def changed_sample(self, owner: Value, target: ast.Subscript, state: State) -> None:
        """Note that a transform changes its argument from what it was."""
        memory = state.heap.get(owner.site) if isinstance(owner, Reference) else None
        if memory and isinstance(owner, Reference) and owner.site[0] in self._sample_argument():
            self.changed.setdefault(owner.site, self.place(target))

    def returned_sample(self, value: Value, node: ast.AST, state: State) -> None:
        """Note that a transform returns its argument, which it has changed."""
        if isinstance(value, Reference) and value.site in self.changed and value.site in state.heap:
            held = Held("argument", WHOLE, self.place(node))
            place = self.changed[value.site]
            self.events.append(Event(state.heap[value.site], held, place, "item", WHOLE))

    def _sample_argument(self) -> list[ast.AST]:
        """Return the parameter that the function which is being followed would be a transform of."""
        name = sample_of(self.inside[0].node)
        arguments = getattr(self.inside[0].node, "args", None)
        names = [*arguments.posonlyargs, *arguments.args] if name and arguments else []
        return [item for item in names if item.arg == name]

    def _handed_by_name(self, name: str) -> ast.AST | None:
        """Return where a function hands out what a name stands for, or something made of it."""
        node = self.here.node
        kinds = (ast.Yield, ast.Return) if getattr(node, "name", "") in ITEM_METHODS else (ast.Yield,)
        for item, _ in own_nodes(node):
            if isinstance(item, kinds) and item.value is not None and name in names_in(item.value):
                return item
        return None

    def _note(self, owner: Reference, handed: ast.AST, node: ast.AST, region: Region, state: State) -> None:
        held = Held("source", region, self.place(handed))
        self.events.append(Event(state.heap[owner.site], held, self.place(node), "item", region))


def extends_a_list(node: ast.AugAssign) -> bool:
    """Tell whether ``x += [...]`` is written, which changes a list in place whatever else is known."""
    parts = [node.value.left, node.value.right] if isinstance(node.value, ast.BinOp) else [node.value]
    return isinstance(node.op, ast.Add) and any(isinstance(part, ast.List) for part in parts)


def depends_on_itself(target: ast.Subscript, source: ast.expr | None) -> bool:
    """Tell whether an item is calculated from what it was: ``x[i] = x[i] - mean``."""
    text = text_of(target)
    return isinstance(source, ast.BinOp) and any(
        isinstance(item, ast.Subscript) and text_of(item) == text for item in ast.walk(source)
    )
