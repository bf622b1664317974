"""Names: of functions around, of the module, of imports; and attributes of objects."""

from __future__ import annotations

import ast
from functools import lru_cache

from pitfalls.guard.lint.memory import libraries
from pitfalls.guard.lint.memory.state import Memory, State
from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    Class,
    Constant,
    Function,
    Integer,
    Library,
    Method,
    Reference,
    Value,
)
from pitfalls.guard.lint.paths.interface import Interface
from pitfalls.guard.lint.paths.machine import Pair, unknown
from pitfalls.guard.lint.reading.modules import definition_in
from pitfalls.guard.lint.reading.scopes import decorators_of, text_of

INFINITE = {"inf", "nan", "NaN", "pi"}


class Names(Interface):
    """The part that looks up names and attributes."""

    def _name(self, node: ast.Name, state: State) -> list[Pair]:
        frame = self.here.frame
        scope = self.here.scope
        while True:
            if node.id in scope.bound and (self.parents.get(frame) or self._in_function(frame)):
                return [(state, state.names.get((frame, node.id), UNKNOWN))]
            parent = self.parents.get(frame)
            if not parent:
                return self._global(node.id, state)
            frame, scope = parent, self.scopes[parent][0]

    def _in_function(self, frame: int) -> bool:
        """Tell whether an activation is a function's: a module's own names are looked up elsewhere."""
        nodes = [item.node for item in self.inside if item.frame == frame]
        return not nodes or not isinstance(nodes[0], ast.Module)

    def _global(self, name: str, state: State) -> list[Pair]:
        module = self.here.module
        key = self._module_frame(module.file)
        if (key, name) in state.names:
            return [(state, state.names[key, name])]
        if name in module.definitions:
            return [(state, definition_in(module, name))]
        if name in module.imports:
            return [(state, self.tree.resolve(module, module.imports[name]))]
        if module.assigned.get(name) is not None:
            return self._assigned(name, state)
        return [(state, Library(f"builtins.{name}") if name not in module.assigned else UNKNOWN)]

    def _module_frame(self, file: str) -> int:
        return self.frames.setdefault((0, self.tree.module(file).tree, file), len(self.frames) + 1)

    def _assigned(self, name: str, state: State) -> list[Pair]:
        """Evaluate a name of the module where it is first used: once, whoever uses it."""
        module = self.here.module
        node = module.assigned[name]
        assert node is not None
        frame = self._module_frame(module.file)
        if len(self.inside) > 12:
            return unknown(state)
        outer = Function(ast.Lambda(ast.arguments([], [], None, [], [], None, []), node), module.file, 0)
        self.inside.append(self.activation(outer, frame, "<module>"))
        try:
            state, value = self.evaluate(node, state)[0]
        finally:
            self.inside.pop()
        if isinstance(value, Reference) and not state.heap[value.site].name:
            state = state.edit(value.site, name=name)
        return [(state.bind(frame, name, value), value)]

    def _attribute(self, node: ast.Attribute, state: State) -> list[Pair]:
        return [
            pair
            for after, owner in self.evaluate(node.value, state)
            for pair in self.attribute(owner, node, after)
        ]

    def attribute(self, owner: Value, node: ast.Attribute, state: State) -> list[Pair]:
        """Return what an attribute of something can stand for."""
        if isinstance(owner, Library):
            if node.attr in INFINITE:
                return [(state, Constant("text", f"{owner.path}.{node.attr}"))]
            return [(state, Library(f"{owner.path}.{node.attr}"))]
        memory = state.heap.get(owner.site) if isinstance(owner, Reference) else None
        if memory is None or not isinstance(owner, Reference):
            return [(state, Method(owner, node.attr, node))]
        if memory.kind == "instance":
            return self._member(owner, node, state)
        if memory.kind == "array" and node.attr in libraries.VIEW_ATTRIBUTES:
            return [(state, owner)]
        if memory.kind == "array" and node.attr in ("size", "ndim", "nbytes"):
            return [(state, Integer())]
        return [(state, Method(owner, node.attr, node))]

    def _member(self, owner: Reference, node: ast.Attribute, state: State) -> list[Pair]:
        items = [value for key, value in state.heap[owner.site].items if key == node.attr]
        if items:
            return [(state, items[0])]
        found = self.method_of(owner, node.attr, state)
        if found is None:
            return self._pinned(owner, node, state)
        if decorators_of(found.node) & {"property", "cached_property"}:
            return self.apply(found, node, state, [], {})
        return [(state, found)]

    def _pinned(self, owner: Reference, node: ast.Attribute, state: State) -> list[Pair]:
        """Return an attribute that nothing here sets: a tensor if its name says that it is pinned."""
        if "pinned" not in node.attr:
            return unknown(state)
        site = (text_of(node), 0)
        name = text_of(node)
        state = state.put(site, Memory("array", self.place(node), name, source="given", pinned=True))
        items = state.heap[owner.site].items | {(node.attr, Reference(site))}
        return [(state.edit(owner.site, items=items), Reference(site))]

    def method_of(self, owner: Reference, name: str, state: State) -> Function | None:
        """Return the method that an object of a known class has under a name."""
        for class_ in self.classes_of(owner, state):
            function = self.method_in(class_, name, owner)
            if function:
                return function
        return None

    def method_in(self, class_: Class, name: str, owner: Value | None) -> Function | None:
        """Return a class's own method."""
        item = methods_of(class_.node).get(name)
        if item is None:
            return None
        static = decorators_of(item) & {"staticmethod"}
        return Function(item, class_.module, 0, None if static else owner, class_.node)

    def classes_of(self, owner: Reference, state: State) -> list[Class]:
        """Return an object's class and those that it inherits from, as far as they are in the tree."""
        found = [value for key, value in state.heap[owner.site].items if key == "__class__"]
        return self.lineage(found[0]) if found and isinstance(found[0], Class) else []

    def lineage(self, class_: Class) -> list[Class]:
        """Return a class and its known bases, in the order in which they are asked."""
        found: list[Class] = []
        waiting = [class_]
        while waiting and len(found) < 8:
            item = waiting.pop(0)
            found.append(item)
            module = self.tree.module(item.module)
            for base in item.node.bases:
                value = self._base(base, module.file)
                waiting += [value] if isinstance(value, Class) and value not in found else []
        return found

    def _base(self, base: ast.expr, file: str) -> Value:
        module = self.tree.module(file)
        if not isinstance(base, ast.Name):
            return UNKNOWN
        if base.id in module.definitions:
            return definition_in(module, base.id)
        return self.tree.resolve(module, module.imports[base.id]) if base.id in module.imports else UNKNOWN


@lru_cache(maxsize=1024)
def methods_of(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the methods that a class defines, the last one where a name is defined again."""
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)}
