"""Lines: those of the user's code that allocate a buffer and that fill it again.

The names that a suspended generator has for a piece of memory are read from its
frame, from its closure and globals, and from the attributes of the objects it
holds. The lines are then looked up in the syntax tree of its file.
"""

from __future__ import annotations

import ast
import functools
import linecache
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pitfalls.guard.stream import tensors
from pitfalls.guard.stream.memory import owner_of, share_memory

FILLING_METHODS = {
    *("fill", "sort", "partition", "put", "itemset", "resize", "setfield"),
    *("clear", "append", "extend"),
}
FILLING_FUNCTIONS = {
    *("copyto", "shuffle", "put", "place", "putmask", "fill_diagonal"),
    *("readinto", "read_direct"),
}
OWN_CODE = str(Path(__file__).parents[1]) + "/"
WRITING = (ast.Assign, ast.AugAssign, ast.Call)


Scope = Mapping[str, object]


class Place(NamedTuple):
    """One line of somebody's source."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """Return ``file:line: code``."""
        return f"{self.file}:{self.line}: {linecache.getline(self.file, self.line).strip()}"


class Places(NamedTuple):
    """Where a buffer is allocated and where it is filled again, as far as that is known."""

    allocated: Place | None = None
    refilled: Place | None = None

    def lines(self) -> list[str]:
        """Return the lines of a message that say so."""
        pairs = (("allocated", self.allocated), ("refilled", self.refilled))
        return [f"  {word:<11} {place.text}" for word, place in pairs if place]


def find_places(source: object, leaf: object) -> Places:
    """Return the lines that allocate and refill a leaf's memory, as far as the source is at hand."""
    allocated = refilled = None
    for file, first_line, names in _names_of(source, leaf):
        tree = _tree(file)
        if tree is None or not names:
            continue
        scope = _scope(tree, first_line)
        allocated = (
            allocated or _first(_allocations(scope, names), file) or _first(_allocations(tree, names), file)
        )
        refilled = refilled or _first(_refills(scope, names), file) or _first(_refills(tree, names), file)
    return Places(allocated, refilled)


def is_user_file(file: str) -> bool:
    """Tell whether a file is the user's, neither an installed package nor part of the guard."""
    installed = "site-packages" in file or "dist-packages" in file or "/lib/python3" in file
    return not (installed or file.startswith((OWN_CODE, "<frozen", "<__array")))


def _names_of(source: object, leaf: object) -> Iterator[tuple[str, int, set[str]]]:
    """Yield (file, first line, names of the leaf's memory) for each code that may hold it."""
    for code, scopes in _codes(source, set()):
        used = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        names = set()
        for scope in scopes:
            for name, value in list(scope.items()):
                if isinstance(name, str) and (name in used or scope is scopes[0]):
                    names |= _matching(name, value, leaf, 0)
        yield code.co_filename, code.co_firstlineno, names


def _codes(source: object, seen: set[int]) -> Iterator[tuple[types.CodeType, list[Scope]]]:
    """Yield the code objects behind an iterator, each with the namespaces it can see."""
    if source is None or id(source) in seen:
        return
    seen.add(id(source))
    if isinstance(source, types.GeneratorType):
        frame = source.gi_frame
        if frame is not None:
            scope = dict(frame.f_locals)
            yield source.gi_code, [scope, frame.f_globals]
            for value in [source.gi_yieldfrom, *scope.values()]:
                yield from _codes(value, seen) if _may_make_batches(value) else ()
        return
    scope = dict(getattr(source, "__dict__", {}))
    for name in ("__getitem__", "__next__", "__iter__", "__call__"):
        method = getattr(type(source), name, None)
        if isinstance(method, types.FunctionType) and is_user_file(method.__code__.co_filename):
            yield method.__code__, [scope, method.__globals__]
    for value in scope.values():
        yield from _codes(value, seen) if _may_make_batches(value) else ()


def _may_make_batches(value: object) -> bool:
    """Tell whether a value may itself be a source of batches, or an object that owns buffers."""
    if isinstance(
        value, (types.ModuleType, type, np.ndarray, str, bytes, int, float, list, dict, tuple, set)
    ):
        return False
    return isinstance(value, types.GeneratorType) or hasattr(value, "__dict__")


def _matching(name: str, value: object, leaf: object, depth: int) -> set[str]:
    """Return the name if its value is, or holds, the leaf's memory."""
    if value is leaf:
        return {name}
    if tensors.is_tensor(value) or (isinstance(value, np.ndarray) and tensors.is_tensor(leaf)):
        return {name} if share_memory(value, leaf) else set()
    if isinstance(value, np.ndarray):
        shared = isinstance(leaf, np.ndarray) and owner_of(value) is owner_of(leaf)
        return {name} if shared else set()
    if depth < 2 and isinstance(value, (list, tuple)) and len(value) <= 64:
        return {name} if any(_matching(name, item, leaf, depth + 1) for item in value) else set()
    if depth < 2 and isinstance(value, dict) and len(value) <= 64:
        return {name} if any(_matching(name, item, leaf, depth + 1) for item in value.values()) else set()
    attributes = getattr(value, "__dict__", None)
    if depth == 0 and isinstance(attributes, dict) and not isinstance(value, (type, types.ModuleType)):
        return {found for key, item in list(attributes.items()) for found in _matching(key, item, leaf, 1)}
    return set()


@functools.lru_cache(maxsize=32)
def _tree(file: str) -> ast.Module | None:
    """Return a file's syntax tree, or None where the source is not at hand."""
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return None


def _scope(tree: ast.Module, first_line: int) -> ast.AST:
    """Return the function that starts on a line, decorators included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            if first <= first_line <= node.lineno:
                return node
    return tree


def _first(lines: Iterator[int], file: str) -> Place | None:
    line = min(lines, default=None)
    return None if line is None else Place(file, line)


def _allocations(scope: ast.AST, names: set[str]) -> Iterator[int]:
    """Yield the lines that bind one of the names to something made by a call."""
    for node in ast.walk(scope):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound = any(_plain_name(item) in names for target in targets for item in _unpacked(target))
            if bound and node.value is not None and _makes_something(node.value):
                yield node.lineno


def _makes_something(value: ast.expr) -> bool:
    """Tell whether an expression can allocate: a call, a literal or a comprehension."""
    kinds = (ast.Call, ast.List, ast.ListComp, ast.Dict, ast.DictComp, ast.BinOp)
    return any(isinstance(node, kinds) for node in ast.walk(value))


def _refills(scope: ast.AST, names: set[str]) -> Iterator[int]:
    """Yield the lines that write into one of the names."""
    return (node.lineno for node in ast.walk(scope) if isinstance(node, WRITING) and _writes(node, names))


def _writes(node: ast.Assign | ast.AugAssign | ast.Call, names: set[str]) -> bool:
    """Tell whether a statement or a call writes into one of the names."""
    if isinstance(node, ast.Call):
        return _fills(node, names)
    if isinstance(node, ast.AugAssign):
        return _root(node.target) in names
    items = [item for target in node.targets for item in _unpacked(target)]
    return any(isinstance(item, ast.Subscript) and _root(item) in names for item in items)


def _fills(call: ast.Call, names: set[str]) -> bool:
    """Tell whether a call writes into one of the names."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if any(keyword.arg in ("out", "dst") and _root(keyword.value) in names for keyword in call.keywords):
        return True
    if (
        isinstance(call.func, ast.Attribute)
        and (function in FILLING_METHODS or tensors.is_in_place(function))
        and _root(call.func.value) in names
    ):
        return True
    passed = any(_root(argument) in names for argument in call.args)
    return passed and (function in FILLING_FUNCTIONS or "fill" in function or "load" in function)


def _unpacked(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [item for element in target.elts for item in _unpacked(element)]
    return [target]


def _plain_name(node: ast.expr) -> str | None:
    """Return ``x`` for ``x`` and for ``self.x``."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _root(node: ast.expr) -> str | None:
    """Return the name below subscripts: ``x`` for ``x[i][0]`` and for ``self.x[i]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return _plain_name(node)
