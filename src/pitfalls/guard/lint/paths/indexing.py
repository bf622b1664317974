"""Indexing: whether an index gives a view, a copy or a number, and of which part."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory.state import Memory, State
from pitfalls.guard.lint.memory.values import (
    MOVING,
    UNKNOWN,
    WHOLE,
    Constant,
    Group,
    Integer,
    Reference,
    Region,
    Value,
    part_of,
)
from pitfalls.guard.lint.paths.machine import Activation
from pitfalls.guard.lint.reading.scopes import names_in, text_of


def elements_of(index: ast.expr) -> list[ast.expr]:
    """Return the parts of an index, one for each axis."""
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def is_every(node: ast.expr) -> bool:
    """Tell whether a part of an index takes all there is: ``:``, ``...``, ``None``."""
    if isinstance(node, ast.Slice):
        return node.lower is None and node.upper is None and node.step is None
    if isinstance(node, ast.Attribute):
        return node.attr == "newaxis"
    return isinstance(node, ast.Constant) and (node.value is None or node.value is ...)


def varies(node: ast.AST, here: Activation) -> bool:
    """Tell whether an expression may have another value each time."""
    if any(isinstance(item, ast.Call) and not _is_length(item) for item in ast.walk(node)):
        return True
    return bool(names_in(node) & here.scope.varying)


def _is_length(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in ("len", "int", "min", "max", "slice")


def region_of(index: ast.expr, value: Value, here: Activation) -> Region:
    """Return the part of an array that an index names; the value is what the index stands for."""
    parts = elements_of(index)
    values = value.items if isinstance(value, Group) else (value,)
    if all(is_every(part) for part in parts):
        return WHOLE
    rings = [item.ring for item in values if isinstance(item, Integer) and item.ring]
    if rings:
        return Region("ring", str(rings[0]))
    key = _key(parts, values)
    if _is_prefix(parts[0], here):
        return Region("fixed", ":" + key)
    moves = any(
        varies(part, here) and not isinstance(item, Constant)
        for part, item in zip(parts, values, strict=False)
    )
    if not moves:
        return Region("fixed", key)
    return Region("moving", "again") if names_in(index) & here.scope.restarting else MOVING


def _key(parts: list[ast.expr], values: tuple[Value, ...]) -> str:
    if len(parts) == len(values):
        return ",".join(
            str(item.value) if isinstance(item, Constant) else text_of(part)
            for part, item in zip(parts, values, strict=True)
        )
    return ",".join(text_of(part) for part in parts)


def _is_prefix(part: ast.expr, here: Activation) -> bool:
    """Tell whether a slice starts at the front each time, up to something that is set back."""
    if (
        not isinstance(part, ast.Slice)
        or part.lower is not None
        or part.upper is None
        or part.step is not None
    ):
        return False
    names = names_in(part.upper) & here.scope.varying
    return names <= here.scope.reset


def view_of(state: State, reference: Reference, index: ast.expr, value: Value, here: Activation) -> Value:
    """Return what reading an index of an array gives: a view, or something that shares nothing."""
    memory = state.heap[reference.site]
    region = region_of(index, value, here)
    if region.kind == "whole":
        return reference
    shares = shares_memory(index, value, memory, reference.dimensions)
    return Reference(reference.site, part_of(reference.region, region)) if shares else UNKNOWN


def shares_memory(index: ast.expr, value: Value, memory: Memory, dimensions: int | None = None) -> bool:
    """Tell whether an index certainly gives a view; of a tensor, and only those are pinned, a number does."""
    parts = elements_of(index)
    values = value.items if isinstance(value, Group) else (value,)
    if len(values) != len(parts):
        return False
    numbers = 0
    for part, item in zip(parts, values, strict=True):
        if isinstance(part, ast.Slice) or is_every(part) or _is_text(item):
            continue
        if not isinstance(item, Integer) and not (isinstance(item, Constant) and item.kind == "int"):
            return False
        numbers += 1
    slices = any(isinstance(part, ast.Slice) for part in parts)
    return numbers == 0 or slices or memory.pinned or (dimensions or memory.dimensions or 0) > numbers


def _is_text(value: Value) -> bool:
    return isinstance(value, Constant) and value.kind == "str"
