"""Examples: proposes the ``--call`` line for a generator, from the names and defaults of its arguments."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
OTHERWISE = "np.random.rand(300, 2)"
GUESSES = (
    (r"batch_?size|^bs$|^size$|^n$|^num|_num$|count|steps|^k$", "8"),
    (r"epoch|repeat", "2"),
    (r"shape|dims?$", "(32, 32)"),
    (r"height|width|length|len$|window|size$|seq", "32"),
    (r"classes|vocab|labels?_num|depth|channels", "10"),
    (r"shuffle|train|random|augment|is_|flip|repeat|debug|verbose|one_?hot", "True"),
    (r"^rng$|random_state|generator$", "np.random.default_rng(0)"),
    (r"seed", "0"),
    (r"path|dir|folder|file|root|prefix|name$", "'.'"),
    (r"mode|split|phase|set$", "'train'"),
    (r"rate|ratio|prob|scale|sigma|std|alpha|factor|lr$", "0.1"),
    (r"ids|index|indices|indexes|keys|idx", "np.arange(300)"),
    (r"^y|label|target|classes|_y$|answers", "np.random.randint(0, 10, 300)"),
    (r"image|img|frames|pictures", "np.random.rand(64, 32, 32, 3)"),
    (r"sentence|text|words|lines|samples?$|list", "[str(i) for i in range(300)]"),
)


def example_of(target: str, tree: ast.Module, name: str) -> str | None:
    """Return a command that calls a function, a class or a method with made-up values; None if it is not there.

    Args:
        target: The file, as the command names it.
        tree: What the file defines.
        name: ``function``, ``Class`` or ``Class.method``.
    """
    call = call_of(tree, name)
    if call is None:
        return None
    return f"pitfalls check {shlex.quote(target)} --definitions --call {shlex.quote(call)}"


def call_of(tree: ast.AST, name: str) -> str | None:
    """Return an expression that calls a function, a class or a method with made-up values."""
    first, _, rest = name.partition(".")
    node = next((item for item in _definitions(tree) if item.name == first), None)
    if isinstance(node, ast.ClassDef):
        method = next((item for item in _functions(node) if item.name == "__init__"), None)
        made = f"{first}({', '.join(_values(method, 1)) if method else ''})"
        inner = next((item for item in _functions(node) if item.name == rest), None)
        return f"{made}.{rest}({', '.join(_values(inner, 1))})" if inner else None if rest else made
    return f"{first}({', '.join(_values(node, 0))})" if node else None


def _definitions(tree: ast.AST) -> Iterator[Function | ast.ClassDef]:
    """Yield everything that is defined, what is nested last."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node


def _functions(node: ast.ClassDef) -> list[Function]:
    return [item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _values(function: Function, skipped: int) -> list[str]:
    """Return a value for each argument that has no default."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    needed = positional[skipped : len(positional) - len(given.defaults)]
    by_name = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    named = [f"{item.arg}={_value(item.arg)}" for item, default in by_name if default is None]
    return [*(_value(item.arg) for item in needed), *named]


def _value(name: str) -> str:
    """Return a value that an argument of a name may have."""
    return next((value for pattern, value in GUESSES if re.search(pattern, name.lower())), OTHERWISE)
