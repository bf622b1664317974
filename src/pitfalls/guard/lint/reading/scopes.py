"""Scopes: what a function binds, which names vary in its loops, which tests it repeats."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

Callable = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

ARRAY_ATTRIBUTES = {
    "shape",
    "dtype",
    "ndim",
    "astype",
    "reshape",
    "transpose",
    "T",
    "squeeze",
    "strides",
    "nbytes",
}
"""An argument that is asked for one of these is an array."""


@dataclass
class Scope:
    """What can be told of a function by looking at its text.

    Attributes:
        bound: Names that it binds.
        varying: Names (and attributes such as ``self.i``) that are bound inside a loop.
        reset: Those of them that are set back there, and not only counted on.
        restarting: Those that a loop inside another one, or an assignment in a loop, starts again.
        repeated: Tests that are written more than once.
        arrays: Names that are used as only an array can be; with the most axes that were indexed.
        taken: Names that are bound once, by an index or a slice, each with what is indexed.
        yields: Whether it is a generator.
    """

    bound: set[str] = field(default_factory=set)
    varying: set[str] = field(default_factory=set)
    reset: set[str] = field(default_factory=set)
    restarting: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    arrays: dict[str, int] = field(default_factory=dict)
    taken: dict[str, ast.expr] = field(default_factory=dict)
    yields: bool = False


def own_nodes(node: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Yield the nodes of a scope, without nested ones, each with the number of loops around it."""
    body = node.body if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]
    waiting: list[tuple[ast.AST, int]] = [(child, 0) for child in reversed(body)]
    while waiting:
        item, depth = waiting.pop()
        yield item, depth
        if isinstance(item, SCOPES):
            continue
        inside = depth + isinstance(item, LOOPS)
        waiting += [(child, inside) for child in ast.iter_child_nodes(item)]


@lru_cache(maxsize=4096)
def text_of(node: ast.AST) -> str:
    """Return a node as source, always in the same style."""
    return ast.unparse(node)


def names_in(node: ast.AST) -> set[str]:
    """Return the names and the dotted attributes that an expression reads."""
    found = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    return found | {text_of(item) for item in ast.walk(node) if isinstance(item, ast.Attribute)}


@lru_cache(maxsize=4096)
def scope_of(node: ast.AST) -> Scope:
    """Return what can be told of a function, a class's method or a module."""
    scope = Scope()
    tests: Counter[str] = Counter()
    outside: set[str] = set()
    for item, depth in own_nodes(node):
        _note_binding(scope, item, depth)
        _note_array(scope, item)
        if isinstance(item, ast.Yield | ast.YieldFrom):
            scope.yields = True
        elif isinstance(item, ast.If | ast.IfExp | ast.While):
            tests[_plain_test(item.test)] += 1
        elif isinstance(item, ast.Global | ast.Nonlocal):
            outside |= set(item.names)
    _note_sources(scope, node)
    scope.bound |= {argument.arg for argument in arguments_of(node)}
    scope.bound -= outside
    scope.repeated = {test for test, count in tests.items() if count > 1}
    return scope


def _note_sources(scope: Scope, node: ast.AST) -> None:
    """Note what names are parts of; what a slice of is an array is one too."""
    items = [item for item, _ in own_nodes(node)]
    count = Counter(
        item.id for item in items if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
    )
    count.subtract(text_of(item.target) for item in items if isinstance(item, ast.AugAssign))
    for item in items:
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Subscript):
            names = [target.id for target in item.targets if isinstance(target, ast.Name)]
            scope.taken |= {name: item.value.value for name in names if count[name] == 1}
            if isinstance(item.value.slice, ast.Slice):
                _note_sliced(scope, set(names) & set(scope.taken), text_of(item.value.value))


def _note_sliced(scope: Scope, names: set[str], source: str) -> None:
    axes = max((scope.arrays.get(name, 0) for name in names), default=0)
    if axes > 1:
        scope.arrays[source] = max(scope.arrays.get(source, 0), axes)


def _plain_test(test: ast.expr) -> str:
    return text_of(test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test)


def arguments_of(node: ast.AST) -> list[ast.arg]:
    """Return all arguments of a function, none for a module."""
    args = getattr(node, "args", None)
    if not isinstance(args, ast.arguments):
        return []
    extra = [arg for arg in (args.vararg, args.kwarg) if arg]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *extra]


def _note_binding(scope: Scope, item: ast.AST, depth: int) -> None:
    naming = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)
    if isinstance(item, naming) and item.name:
        scope.bound.add(item.name)
    elif isinstance(item, ast.Name | ast.Attribute) and isinstance(item.ctx, ast.Store):
        name = text_of(item)
        scope.bound |= {name} if isinstance(item, ast.Name) else set()
        scope.varying |= {name} if depth else set()
    elif isinstance(item, ast.Assign) and depth:
        names = {text_of(target) for target in item.targets}
        scope.reset |= names
        scope.restarting |= names
    elif isinstance(item, LOOPS) and not isinstance(item, ast.While):
        names = {text_of(n) for n in ast.walk(item.target) if isinstance(n, ast.Name)}
        scope.varying |= names
        scope.restarting |= names if depth else set()


def _note_array(scope: Scope, item: ast.AST) -> None:
    if isinstance(item, ast.Attribute) and item.attr in ARRAY_ATTRIBUTES:
        scope.arrays.setdefault(text_of(item.value), 0)
    elif isinstance(item, ast.Subscript) and isinstance(item.slice, ast.Tuple):
        name = text_of(item.value)
        axes = sum(not (isinstance(e, ast.Constant) and e.value in (None, ...)) for e in item.slice.elts)
        scope.arrays[name] = max(scope.arrays.get(name, 0), axes)


def is_generator(node: ast.AST) -> bool:
    """Tell whether a function yields."""
    return scope_of(node).yields


def decorators_of(node: ast.AST) -> set[str]:
    """Return the last names of a function's or a class's decorators."""
    found = set()
    for item in getattr(node, "decorator_list", []):
        target = item.func if isinstance(item, ast.Call) else item
        found.add(text_of(target).rpartition(".")[2])
    return found
