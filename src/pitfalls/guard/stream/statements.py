"""Statements: what a single statement binds, allocates or writes to."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from typing import NamedTuple

from pitfalls.guard.stream.tensors import is_in_place

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = ast.AST


class Name(NamedTuple):
    """What a name has to do with the memory in question.

    Attributes:
        level: The number of subscripts that lead to it: 0 for the array itself, 1 for a list of arrays.
        whole: Whether what is there is all in question; otherwise it is a larger array, of which a part is.
    """

    level: int = 0
    whole: bool = True


Names = dict[str, Name]
"""Names as they are spelled: ``x``, ``self.x``."""

LITERALS = (ast.List, ast.ListComp, ast.Tuple, ast.Dict, ast.DictComp)
FILLING_METHODS = {
    *("fill", "sort", "partition", "put", "itemset", "resize", "setfield"),
    *("clear", "append", "extend", "insert", "reverse", "update"),
}
FILLING_FUNCTIONS = {
    *("copyto", "shuffle", "put", "place", "putmask", "fill_diagonal"),
    *("readinto", "read_direct", "heapify"),
}
ALLOCATING = {
    *("zeros", "ones", "empty", "full", "array", "arange", "linspace", "eye", "ndarray", "memmap", "copy"),
    *("zeros_like", "ones_like", "empty_like", "full_like", "open_memmap", "masked_array", "masked_equal"),
    *(
        "rand",
        "randn",
        "randint",
        "random",
        "integers",
        "normal",
        "standard_normal",
        "uniform",
        "random_sample",
    ),
    *("bytearray", "list", "dict", "load", "loadtxt", "genfromtxt", "fromfile", "clone", "tensor", "Array"),
    *(
        "create_string_buffer",
        "deepcopy",
        "astype",
        "concatenate",
        "stack",
        "vstack",
        "hstack",
        "tile",
        "repeat",
    ),
}
HANDING_OUT = {"next", "iter", "getattr", "asarray", "memoryview", "max", "min"}
VIEWS = {"T", "flat", "real", "imag", "mask", "data"}


class Binding(NamedTuple):
    """A statement that gives a name a value; the value is not known for an argument or a loop's variable."""

    line: int
    value: ast.expr | None


def spelling(node: Node) -> str | None:
    """Return ``x`` for ``x`` and ``self.x`` for ``self.x``; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = spelling(node.value)
        return f"{owner}.{node.attr}" if owner else None
    return None


def bindings_in(node: Node, name: str) -> Iterator[Binding]:
    """Yield how a statement binds a name."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from (
                Binding(node.lineno, value)
                for item, value in _pairs(target, node.value)
                if spelling(item) == name
            )
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and spelling(node.target) == name and node.value:
        yield Binding(node.lineno, node.value)
    elif isinstance(node, (ast.For, ast.comprehension)):
        yield from (Binding(item.lineno, None) for item in _unpacked(node.target) if spelling(item) == name)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from (
            Binding(item.lineno, None) for item in _unpacked(node.optional_vars) if spelling(item) == name
        )
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and name in arguments(node):
        yield Binding(node.lineno, None)


def arguments(function: Function) -> set[str]:
    """Return the names of a function's arguments."""
    given = function.args
    return {
        item.arg
        for item in [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        if item
    }


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target of an assignment with its own value, as far as they are written side by side."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        yield target, value
        return
    beside = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
    values = value.elts if beside and isinstance(value, (ast.Tuple, ast.List)) else [value] * len(target.elts)
    for item, own in zip(target.elts, values, strict=True):
        yield from _pairs(item, own)


def _unpacked(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [item for element in target.elts for item in _unpacked(element)]
    return [target]


def mentions(value: ast.expr, names: Container[str | None]) -> bool:
    """Tell whether an expression is made from one of the names, and so may be a view of it."""
    return any(spelling(node) in names for node in ast.walk(value))


def makes_something(value: ast.expr, level: int) -> bool:
    """Tell whether an expression allocates: an array or an empty list itself, or a list with arrays in it."""
    if level:
        return isinstance(value, LITERALS) and any(_allocates(node) for node in ast.walk(value))
    return isinstance(value, (*LITERALS, ast.BinOp)) or _allocates(value)


def calls_a_function(value: ast.expr) -> bool:
    """Tell whether a value is what a function returns that may allocate: no method, and none that only hands out."""
    return (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id not in HANDING_OUT
    )


def _allocates(node: Node) -> bool:
    """Tell whether a call is of a function that is known to allocate; a view of its result is one too."""
    while isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.BinOp):
            return True
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in ALLOCATING:
            return True
        node = function.value if isinstance(function, ast.Attribute) else function
    return False


def written_line(node: Node, names: Names) -> int | None:
    """Return the line of a statement or a call that writes to what one of the names stands for."""
    if isinstance(node, ast.Call):
        return node.lineno if _fills(node, names) else None
    if isinstance(node, ast.AugAssign):
        return node.lineno if _is_one_of(node.target, names, 0) else None
    if isinstance(node, ast.Assign):
        targets = [item for target in node.targets for item in _unpacked(target)]
        return node.lineno if any(_is_one_of(target, names, 1) for target in targets) else None
    return None


def _fills(call: ast.Call, names: Names) -> bool:
    """Tell whether a call writes to what one of the names stands for."""
    if any(word.arg in ("out", "dst") and _is_one_of(word.value, names, 0) for word in call.keywords):
        return True
    method = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    fills = method in FILLING_METHODS or is_in_place(method)
    if fills and isinstance(call.func, ast.Attribute) and _is_one_of(call.func.value, names, 0):
        return True
    return method in FILLING_FUNCTIONS and bool(call.args) and _is_one_of(call.args[0], names, 0)


def _is_one_of(node: Node, names: Names, more: int) -> bool:
    """Tell whether an expression leads to the memory, by as many subscripts as it takes and some more.

    Of an array that is only in part in question, it must stand for all.
    """
    subscripts, everything = 0, True
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Name)):
        name = names.get(spelling(node) or "")
        if name is not None:
            exact = subscripts == name.level + more and (everything or subscripts == name.level)
            return subscripts >= name.level + more and (name.whole or exact)
        everything = isinstance(node, ast.Subscript) and ast.unparse(node.slice) in (":", "...")
        if isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and node.attr not in VIEWS):
            return False
        subscripts, node = subscripts + 1, node.value
    return False
