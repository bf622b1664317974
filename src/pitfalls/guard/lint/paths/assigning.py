"""Assigning: to names, attributes and items; what writes into memory and what only gives a new name."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory import libraries
from pitfalls.guard.lint.memory.state import State
from pitfalls.guard.lint.memory.values import (
    MOVING,
    UNKNOWN,
    Constant,
    Group,
    Reference,
    Region,
    Value,
    part_of,
)
from pitfalls.guard.lint.paths.expressions import moving
from pitfalls.guard.lint.paths.indexing import region_of, shares_memory, varies
from pitfalls.guard.lint.paths.machine import BY_INDEX
from pitfalls.guard.lint.paths.sources import Sources, depends_on_itself, extends_a_list
from pitfalls.guard.lint.reading.scopes import arguments_of, names_in, scope_of, text_of

CALLED_AGAIN = {"__next__", "__getitem__", "next", "__call__"}
"""Methods whose arguments differ from call to call."""


class Assigning(Sources):
    """The part that follows assignments."""

    def assign(self, target: ast.expr, value: Value, source: ast.expr | None, state: State) -> list[State]:
        """Assign to whatever the target is."""
        if isinstance(target, ast.Subscript):
            return self._store_item(target, value, source, state)
        if isinstance(target, ast.Attribute):
            return self._store_attribute(target, value, source, state)
        return [self.bind_target(target, value, state)]

    def bind_target(self, target: ast.expr, value: Value, state: State) -> State:
        """Give a value to a name, or its parts to several."""
        if isinstance(target, ast.Name):
            return self._named(state, value, target.id).bind(self._frame_of(target.id), target.id, value)
        if isinstance(target, ast.Tuple | ast.List):
            for inner, part in zip(target.elts, self._parts(value, len(target.elts), state), strict=False):
                for after in self.assign(inner, part, None, state)[:1]:
                    state = after
        elif isinstance(target, ast.Attribute | ast.Subscript):
            state = self.assign(target, value, None, state)[0]
        return state

    def _frame_of(self, name: str) -> int:
        """Return the activation whose name is meant: an outer one's for ``nonlocal`` and ``global``."""
        frame: int | None = self.here.frame
        scope = self.here.scope
        if isinstance(self.here.node, ast.Module):
            return self._module_frame(self.here.module.file)
        while frame and name not in scope.bound:
            frame = self.parents.get(frame)
            if frame:
                scope = self.scopes[frame][0]
        return frame or self._module_frame(self.here.module.file)

    def _named(self, state: State, value: Value, name: str) -> State:
        """Let memory have the first name that it is given, and the outermost function's."""
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        if memory is None or not isinstance(value, Reference):
            return state
        depth = len(self.inside)
        if (
            not memory.name
            or depth < memory.depth
            or (name.startswith("self.") and "self." not in memory.name)
        ):
            return state.edit(value.site, name=name, depth=depth)
        return state

    def _parts(self, value: Value, count: int, state: State) -> list[Value]:
        """Return what a value is unpacked into."""
        if isinstance(value, Group) and len(value.items) == count:
            return list(value.items)
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        if memory and memory.kind == "list":
            found = dict(memory.items)
            return [found.get(str(i), found.get("*", UNKNOWN)) for i in range(count)]
        return [UNKNOWN] * count

    def _store_attribute(
        self, target: ast.Attribute, value: Value, source: ast.expr | None, state: State
    ) -> list[State]:
        found = []
        for after, owner in self.evaluate(target.value, state):
            memory = after.heap.get(owner.site) if isinstance(owner, Reference) else None
            if memory and isinstance(owner, Reference) and memory.kind == "instance":
                after = self._named(after, value, text_of(target))
                after = self._known_as_array(after, value, text_of(target))
                items = {(key, item) for key, item in memory.items if key != target.attr}
                items |= {(target.attr, value)} if value is not UNKNOWN else set()
                after = after.edit(owner.site, items=frozenset(items))
            elif memory and isinstance(owner, Reference) and target.attr in libraries.VIEW_ATTRIBUTES:
                after = self.write(after, owner, target, "item")
            found.append(after)
        return found

    def _known_as_array(self, state: State, value: Value, name: str) -> State:
        """Recognise an argument as an array by how the class uses the attribute that holds it."""
        if isinstance(value, Reference) and value.site in state.heap and self.here.owner is not None:
            memory = state.heap[value.site]
            axes = _axes_in_class(self.here.owner, name)
            if memory.kind == "unsure" and axes is not None:
                return state.edit(value.site, kind="array", dimensions=axes or None)
        return state

    def _store_item(
        self, target: ast.Subscript, value: Value, source: ast.expr | None, state: State
    ) -> list[State]:
        found = []
        for between, owner in self.evaluate(target.value, state):
            for after, index in self.evaluate(target.slice, between):
                found.append(self._stored_item(owner, target, index, value, source, after))
        return found

    def _stored_item(
        self,
        owner: Value,
        target: ast.Subscript,
        index: Value,
        value: Value,
        source: ast.expr | None,
        state: State,
    ) -> State:
        memory = state.heap.get(owner.site) if isinstance(owner, Reference) else None
        again = depends_on_itself(target, source)
        if memory is None or not isinstance(owner, Reference):
            if again:
                self.changed_element(text_of(target.value), target, state)
            return state
        if again:
            self.changed_sample(owner, target, state)
        if memory.kind == "array":
            mark = self._mark(source)
            reference = Reference(owner.site, self._written_part(target, index, owner))
            self.changed_part(owner, target, reference.region, state)
            state = self.write(state, reference, target, "item", mark)
        elif memory.kind in ("list", "dict"):
            if not self._is_copy_of_itself(target, source):
                state = self.write(state, Reference(owner.site), target, "item", self._mark(source))
            state = self._kept(owner, target.slice, index, value, state)
        return state

    def _written_part(self, target: ast.Subscript, index: Value, owner: Reference) -> Region:
        part = region_of(target.slice, index, self.here)
        values = index.items if isinstance(index, Group) else (index,)
        if part.kind == "fixed" and any(item is UNKNOWN or isinstance(item, Reference) for item in values):
            slices = isinstance(target.slice, ast.Slice)
            part = part if slices else MOVING
        return part_of(owner.region, part)

    def _kept(self, owner: Reference, node: ast.expr, index: Value, value: Value, state: State) -> State:
        """Note what a list or a dictionary holds after an item was assigned."""
        items = state.heap[owner.site].items
        if isinstance(node, ast.Slice):
            return state.edit(owner.site, items=frozenset({("*", UNKNOWN)}))
        key = str(index.value) if isinstance(index, Constant) else "*"
        kept = {item for item in items if item[0] != key} if key != "*" else set(items)
        return state.edit(owner.site, items=frozenset(kept | {(key, value)}))

    def _is_copy_of_itself(self, target: ast.Subscript, source: ast.expr | None) -> bool:
        """Tell whether an item is replaced by its own copy: ``d["x"] = d["x"].copy()``."""
        inside = (
            source.func.value
            if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute)
            else None
        )
        return inside is not None and source.func.attr == "copy" and text_of(inside) == text_of(target)  # type: ignore[union-attr]

    def _mark(self, source: ast.expr | None) -> str:
        """Return what is assigned as text if it is the same each time, else nothing."""
        if source is None:
            return ""
        text = self.constant_text(source) or self.index_text(source)
        if text or getattr(self.here.node, "name", "") in CALLED_AGAIN or self.here.on_yield is not None:
            return text
        plain = all(
            isinstance(item, (ast.Name, ast.Attribute, ast.expr_context)) for item in ast.walk(source)
        )
        parameters = {item.arg for item in arguments_of(self.here.node)}
        names = names_in(source)
        root = next((name for name in names if "." not in name), "")
        return (
            text_of(source)
            if plain and root in parameters - {"self"} and not varies(source, self.here)
            else ""
        )

    def index_text(self, source: ast.expr) -> str:
        """Return the mark of a value that follows from a loop's index alone, nothing for others."""
        plain = (ast.Name, ast.Constant, ast.BinOp, ast.operator, ast.expr_context)
        follows = all(isinstance(item, plain) for item in ast.walk(source))
        return BY_INDEX if follows and names_in(source) & self.here.scope.restarting else ""

    def constant_text(self, node: ast.expr) -> str:
        """Return a constant as text: 0 and 0.0 are one value; nothing for what is none."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.constant_text(node.operand)
            return f"-{inner}" if inner else ""
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            return f"{float(node.value):g}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return repr(node.value)
        if isinstance(node, ast.Attribute) and node.attr in ("nan", "NaN", "inf", "pi"):
            return node.attr
        return "nan" if isinstance(node, ast.Call) and text_of(node) in ("float('nan')",) else ""

    def augment(self, node: ast.AugAssign, state: State) -> list[State]:
        """Follow ``x += ...``: in place for an array or a list, a new value for a number."""
        found: list[State] = []
        for between, old in self.evaluate(node.target, state):
            for after, value in self.evaluate(node.value, between):
                found += self._augmented(node, old, value, after)
        return found

    def _augmented(self, node: ast.AugAssign, old: Value, value: Value, state: State) -> list[State]:
        memory = state.heap.get(old.site) if isinstance(old, Reference) else None
        if isinstance(node.target, ast.Subscript):
            return self._augmented_item(node.target, old, state)
        if isinstance(node.target, ast.Name) and old is UNKNOWN and extends_a_list(node):
            self.changed_element(node.target.id, node, state)
        if memory and isinstance(old, Reference) and memory.kind in ("array", "list", "dict"):
            state = self.write(state, old, node, "augmented")
            if memory.kind == "list":
                items = memory.items | {("*", item) for _, item in self.contents(value, state)}
                state = state.edit(old.site, items=items)
            return [state]
        combined = self._combined(ast.BinOp(node.target, node.op, node.value), state, old, value)[1]
        return self.assign(node.target, combined, None, state)

    def _augmented_item(self, target: ast.Subscript, old: Value, state: State) -> list[State]:
        found = []
        for between, owner in self.evaluate(target.value, state):
            for after, index in self.evaluate(target.slice, between):
                memory = after.heap.get(owner.site) if isinstance(owner, Reference) else None
                self.changed_sample(owner, target, after)
                if memory and isinstance(owner, Reference) and memory.kind == "array":
                    part = self._written_part(target, index, owner)
                    how = "augmented" if shares_memory(target.slice, index, memory) else "item"
                    after = self.write(after, Reference(owner.site, part), target, how)
                elif memory and isinstance(owner, Reference) and memory.kind in ("list", "dict"):
                    after = self._augmented_content(owner, memory.kind, old, target, after)
                found.append(after)
        return found

    def _augmented_content(
        self, owner: Reference, kind: str, old: Value, target: ast.Subscript, state: State
    ) -> State:
        """Follow ``batch["x"] += 1``: the array inside is written, or the container gets a new number."""
        inside = state.heap.get(old.site) if isinstance(old, Reference) else None
        if inside and inside.kind in ("array", "list") and isinstance(old, Reference):
            return self.write(state, old, target, "augmented")
        return self.write(state, owner, target, "item")

    def elements(self, value: Value, state: State) -> list[Value]:
        """Return what walking through something gives."""
        if isinstance(value, Group):
            return list(dict.fromkeys(value.items)) or [UNKNOWN]
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        if memory is None or not isinstance(value, Reference):
            return [UNKNOWN]
        if memory.kind == "list":
            return [self._element_in_turn(item, state) for _, item in memory.items] or [UNKNOWN]
        return [moving(value)] if memory.kind == "array" and (memory.dimensions or 0) > 1 else [UNKNOWN]

    def _element_in_turn(self, value: Value, state: State) -> Value:
        """Return an element of a list: of several arrays, one of them in turn."""
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        if memory is None or not memory.many or not isinstance(value, Reference):
            return value
        ring = Region("ring", str(memory.many)) if memory.many > 0 else MOVING
        return Reference(value.site, part_of(value.region, ring))


def _axes_in_class(owner: ast.ClassDef, name: str) -> int | None:
    """Return with how many axes a class indexes an attribute, 0 if only its shape is asked for, else None."""
    axes = [
        scope_of(item).arrays[name]
        for item in owner.body
        if isinstance(item, ast.FunctionDef) and name in scope_of(item).arrays
    ]
    return max(axes, default=None)
