"""Suggesting: the edit that hands out a copy, and the command that proves a finding by running."""

from __future__ import annotations

import ast
import shlex

from pitfalls.guard.lint.memory.values import WHOLE
from pitfalls.guard.lint.paths.machine import Event
from pitfalls.guard.lint.reading.modules import Module, Tree
from pitfalls.guard.lint.reading.scopes import scope_of, text_of

COPIES = {"array": "{}.copy()", "list": "list({})", "dict": "dict({})"}


def copied_line(event: Event, tree: Tree) -> tuple[str, ...]:
    """Return the handed-out line with a copy in it, nothing if the array's name is not in it once."""
    place, name = event.held.place, event.memory.name
    if event.memory.kind not in COPIES or event.held.region != WHOLE or place.node is None:
        return ()
    value = _handed(place.node)
    places = [item for item in handed_parts(value) if text_of_name(item) == name]
    lines = tree.module(place.file).lines
    if len(places) != 1 or not name:
        return ()
    node = places[0]
    if node.lineno != node.end_lineno or not lines[node.lineno - 1].isascii():
        return ()
    line = lines[node.lineno - 1]
    torch = "torch" in text_of(event.memory.place.node) if event.memory.place.node else False
    copy = f"{name}.clone()" if torch else COPIES[event.memory.kind].format(name)
    return (line[: node.col_offset] + copy + line[node.end_col_offset :], str(node.lineno))


def _handed(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Yield | ast.Return):
        return node.value
    return node.args[0] if isinstance(node, ast.Call) and node.args else None


def text_of_name(node: ast.AST) -> str:
    """Return a name or a dotted attribute as text, nothing for other nodes."""
    return text_of(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def handed_parts(value: ast.expr | None) -> list[ast.expr]:
    """Return the expressions whose values are handed out as they are, through tuples, lists and dictionaries."""
    if isinstance(value, ast.Tuple | ast.List):
        return [part for item in value.elts for part in handed_parts(item)]
    if isinstance(value, ast.Dict):
        return [part for item in value.values for part in handed_parts(item)]
    return [value] if value is not None else []


def proving_command(module: Module, function: str) -> str:
    """Return the command that runs a generator under the guard, nothing if it cannot be called from outside."""
    first, *rest = function.split(".")
    node = module.definitions.get(first)
    if isinstance(node, ast.FunctionDef) and not rest:
        call = f"{first}({_arguments(node, 0)})"
    elif isinstance(node, ast.ClassDef) and len(rest) == 1:
        call = _method_call(node, rest[0])
    else:
        return ""
    if "?" in call:
        return ""
    return f"pitfalls check {shlex.quote(module.file)} --definitions --call {shlex.quote(call)}"


def _method_call(node: ast.ClassDef, name: str) -> str:
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    made = f"{node.name}({_arguments(methods['__init__'], 1) if '__init__' in methods else ''})"
    if name.startswith("__") or name == "next":
        return made
    return f"{made}.{name}({_arguments(methods[name], 1)})" if name in methods else made


def _arguments(node: ast.FunctionDef, skipped: int) -> str:
    """Guess the arguments that have no default."""
    names = [*node.args.posonlyargs, *node.args.args][skipped:]
    needed = names[: len(names) - len(node.args.defaults)]
    arrays = scope_of(node).arrays
    given = [_guess(item, arrays) for item in needed]
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return ", ".join(
        [*given, *(f"{item.arg}={_guess(item, arrays)}" for item, default in pairs if not default)]
    )


def _guess(argument: ast.arg, arrays: dict[str, int]) -> str:
    """Return an expression for an argument, from its annotation, its use and its name."""
    annotation = text_of(argument.annotation) if argument.annotation else ""
    name = argument.arg.lower()
    if annotation in ("int", "float", "bool"):
        return {"int": "8", "float": "0.5", "bool": "True"}[annotation]
    if annotation == "str" or any(word in name for word in ("path", "dir", "file", "name")):
        return "?" if "path" in name or "dir" in name or "file" in name else "'name'"
    if "rng" in name or annotation.endswith("Generator"):
        return "np.random.default_rng(0)"
    if any(
        word in name for word in ("size", "num", "batch", "steps", "length", "width", "height", "seed", "dim")
    ):
        return "8"
    if argument.arg in arrays or "ndarray" in annotation:
        return f"np.random.rand({', '.join(['64'] + ['8'] * max(arrays.get(argument.arg, 0) - 1, 1))})"
    if "shuffle" in name or name.startswith("is_"):
        return "True"
    return "np.random.rand(64, 8)"
