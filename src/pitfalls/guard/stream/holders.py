"""Holders: the code that may write to a piece of memory, and what that memory is called there.

The names that a suspended generator has for a piece of memory are read from its frame,
from its closure and globals, and from the attributes of the objects that it holds.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from pitfalls.guard.stream import tensors
from pitfalls.guard.stream.memory import owner_of, share_memory
from pitfalls.guard.stream.statements import Name, Names

PULLED = ("__getitem__", "__next__", "__iter__", "__call__")
NOT_LOOKED_INTO = (types.ModuleType, type, np.ndarray, str, bytes, int, float, list, dict, tuple, set)
MANY = 64
DEEPEST = 2

Scope = Mapping[str, object]


class Holder(NamedTuple):
    """One function that knows a piece of memory by some names.

    Attributes:
        code: The function.
        names: Its names for it, spelled as they stand in the function.
    """

    code: types.CodeType
    names: Names


def holders_of(source: object, leaf: object) -> Iterator[Holder]:
    """Yield each function behind a source that has a name for a leaf's memory."""
    for code, scope in _codes(source, set()):
        names: Names = {}
        for name, value in list(scope.items()):
            if isinstance(name, str):
                names.update(_matching(name, value, leaf, 0))
        if names:
            yield Holder(code, names)


def _codes(source: object, seen: set[int]) -> Iterator[tuple[types.CodeType, Scope]]:
    """Yield the code objects behind an iterator, each with the names that it sees."""
    if source is None or id(source) in seen:
        return
    seen.add(id(source))
    if isinstance(source, types.GeneratorType):
        yield from _codes_of_a_generator(source, seen)
        return
    yield from _methods(source, PULLED)
    for value in list(getattr(source, "__dict__", {}).values()):
        yield from _codes(value, seen) if _may_make_batches(value) else ()


def _codes_of_a_generator(
    source: types.GeneratorType[Any, Any, Any], seen: set[int]
) -> Iterator[tuple[types.CodeType, Scope]]:
    """Yield a suspended generator, the methods that it calls, and the sources that it pulls."""
    if source.gi_frame is None:
        return
    code, scope = source.gi_code, _visible(source.gi_code, source.gi_frame.f_globals)
    scope.update(source.gi_frame.f_locals)
    yield code, scope
    for value in [source.gi_yieldfrom, *scope.values()]:
        if _may_make_batches(value):
            yield from _methods(value, code.co_names)
            yield from _codes(value, seen)


def _methods(source: object, names: tuple[str, ...]) -> Iterator[tuple[types.CodeType, Scope]]:
    """Yield some of an object's methods, with what they see: the object by their own name for it, and globals."""
    for name in names:
        method = getattr(type(source), name, None)
        if isinstance(method, types.FunctionType) and method.__code__.co_argcount:
            code = method.__code__
            yield code, {**_visible(code, method.__globals__), code.co_varnames[0]: source}


def _visible(code: types.CodeType, outside: Scope) -> dict[str, object]:
    """Return the globals that a function mentions."""
    return {name: outside[name] for name in code.co_names if name in outside}


def _may_make_batches(value: object) -> bool:
    """Tell whether a value may itself be a source of batches, or an object that owns buffers."""
    if isinstance(value, NOT_LOOKED_INTO):
        return False
    return isinstance(value, types.GeneratorType) or hasattr(value, "__dict__")


def _matching(name: str, value: object, leaf: object, depth: int) -> Names:
    """Return a name if its value is, or holds, a leaf's memory; of an object the names of its attributes."""
    if isinstance(value, (list, tuple, deque, dict)) or _is_the_memory(value, leaf):
        found = _within(value, leaf, 0)
        return {} if found is None else {name: found}
    attributes = getattr(value, "__dict__", None)
    if depth >= DEEPEST or not isinstance(attributes, dict) or isinstance(value, NOT_LOOKED_INTO):
        return {}
    names: Names = {}
    for key, item in list(attributes.items()):
        names.update(_matching(f"{name}.{key}", item, leaf, depth + 1))
    return names


def _within(value: object, leaf: object, depth: int) -> Name | None:
    """Return how to come from a value to a leaf's memory, if it is, or holds, that memory."""
    if _is_the_memory(value, leaf):
        return Name(depth, _has_no_more_than(value, leaf))
    if depth > DEEPEST or not isinstance(value, (list, tuple, deque, dict)) or len(value) > MANY:
        return None
    items = list(value.values() if isinstance(value, dict) else value)
    found = (_within(item, leaf, depth + 1) for item in items)
    return next((name for name in found if name is not None), None)


def _is_the_memory(value: object, leaf: object) -> bool:
    """Tell whether a value is a leaf, or stands on the same memory."""
    if value is leaf:
        return True
    if tensors.is_tensor(value) or (isinstance(value, np.ndarray) and tensors.is_tensor(leaf)):
        return share_memory(value, leaf)
    if not isinstance(leaf, np.ndarray):
        return False
    if not isinstance(value, np.ndarray):
        return value is owner_of(leaf)
    return owner_of(value) is owner_of(leaf) and share_memory(value, leaf)


def _has_no_more_than(value: object, leaf: object) -> bool:
    """Tell whether a value is no larger than a leaf."""
    size = getattr(value, "nbytes", None)
    most = getattr(leaf, "nbytes", None) if isinstance(leaf, np.ndarray) or tensors.is_tensor(leaf) else None
    return size is None or most is None or size <= most
