"""Definitions: takes from a script what defines things, and runs nothing else of it.

Much code in question loads data and trains when it is imported. From such a file only
imports, functions, classes and plain constants are taken, and of these only what the
wanted names lead to: an import that is missing and not needed does no harm.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

Namespace = dict[str, Any]
"""The names of a module, with their values."""

PURE_BUILTINS = {"int", "float", "str", "bool", "len", "range", "tuple", "list", "dict", "set", "min", "max"}
DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
ASSIGNING = (ast.Assign, ast.AnnAssign)
PLAIN = (
    *(ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.BoolOp),
    *(ast.Compare, ast.IfExp, ast.JoinedStr, ast.FormattedValue, ast.Subscript, ast.Slice, ast.Attribute),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.Call),
)
TRAINING = {"fit", "fit_generator", "train_on_batch", "evaluate", "evaluate_generator", "apply_gradients"}


class Definitions:
    """The definitions of one file, and why some of its names are not among them."""

    def __init__(self, source: str, file: str) -> None:
        """Parse a file.

        Raises:
            SyntaxError: The file is not Python.
        """
        self.file = file
        self.tree = ast.parse(source, file)
        self.reasons: dict[str, str] = {}

    def run(self, namespace: Namespace, wanted: set[str]) -> None:
        """Execute the definitions that the wanted names lead to, in the order of the file."""
        statements = list(self._definitions())
        needed = _reachable(statements, wanted)
        for node in statements:
            if bound_names(node) & needed or _is_star(node):
                self._execute(node, namespace)
        self._note_what_was_left_out(namespace)

    def _definitions(self) -> Iterator[ast.stmt]:
        """Yield the statements that define something and do nothing else."""
        constants: set[str] = set()
        for node in _one_import_each(self.tree.body):
            if _is_definition(node, constants):
                constants |= bound_names(node)
                yield node

    def _execute(self, node: ast.stmt, namespace: Namespace) -> None:
        """Run one definition; one that fails leaves its names unbound, with the reason."""
        try:
            exec(compile(ast.Module([node], []), self.file, "exec"), namespace)
        except Exception as error:
            if isinstance(node, ast.FunctionDef) and _without_defaults(node):
                self._execute(node, namespace)
                return
            because = self.reasons.get(getattr(error, "name", None) or "", f"{type(error).__name__}: {error}")
            for name in bound_names(node):
                self.reasons[name] = f"{self._at(node)} failed: {because}"

    def _note_what_was_left_out(self, namespace: Namespace) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, (*ASSIGNING, ast.For, ast.With)):
                for name in bound_names(node) - set(namespace):
                    self.reasons.setdefault(name, f"{self._at(node)} is no plain constant, and was not run")

    def _at(self, node: ast.AST) -> str:
        line = getattr(node, "lineno", 0)
        code = ast.unparse(node).split("\n")[0]
        return f"line {line} ({code if len(code) < 60 else code[:57] + '...'})"


def _one_import_each(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Split ``import cv2, os``, so that one module that is missing takes no other with it."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (ast.copy_location(ast.Import([alias]), node) for alias in node.names)
        else:
            yield node


def _without_defaults(node: ast.FunctionDef) -> bool:
    """Replace defaults that the script computes by None, and tell whether there were any."""
    plain = [isinstance(default, ast.Constant) for default in node.args.defaults]
    node.args.defaults = [
        default if is_plain else ast.copy_location(ast.Constant(None), default)
        for default, is_plain in zip(node.args.defaults, plain, strict=True)
    ]
    return not all(plain)


def training_line(source: str) -> int | None:
    """Return the first line that starts to train when a file is imported, if there is one."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for statement in tree.body:
        if isinstance(statement, DEFINING) or _asks_for_main(statement):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", None) in TRAINING:
                return node.lineno
    return None


def functions_of(source: str) -> list[str]:
    """Return the names of a file's functions and classes, generators first; nothing is run."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return []
    named = [node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return [
        n.name for n in sorted(named, key=lambda n: not any(isinstance(x, ast.Yield) for x in ast.walk(n)))
    ]


def _asks_for_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _is_definition(node: ast.stmt, constants: set[str]) -> bool:
    """Tell whether a statement only defines something."""
    if isinstance(node, DEFINING):
        return True
    if isinstance(node, ASSIGNING):
        return bool(bound_names(node)) and node.value is not None and _is_plain(node.value, constants)
    if isinstance(node, ast.Try):
        blocks = [*node.body, *(s for handler in node.handlers for s in handler.body), *node.orelse]
        return all(isinstance(item, ast.Pass) or _is_definition(item, constants) for item in blocks)
    if isinstance(node, ast.If) and not _asks_for_main(node):
        inner = [*node.body, *node.orelse]
        return _is_plain(node.test, constants) and all(_is_definition(item, constants) for item in inner)
    return False


def _is_plain(value: ast.expr, constants: set[str]) -> bool:
    """Tell whether an expression is a constant: literals, names of constants, operators, attributes."""
    for node in ast.walk(value):
        if not isinstance(node, PLAIN):
            return False
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in PURE_BUILTINS
        ):
            return False
        if isinstance(node, ast.Name) and node.id not in constants | PURE_BUILTINS:
            return False
    return True


def bound_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds at the top level."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    return {
        item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
    } | {name for item in ast.walk(node) if isinstance(item, DEFINING) for name in bound_names(item)}


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def used_names(node: ast.AST) -> set[str]:
    """Return every name that is read somewhere below a node."""
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}


def _reachable(statements: list[ast.stmt], wanted: set[str]) -> set[str]:
    """Return the names that the wanted ones lead to, through everything that a definition mentions."""
    needed, todo = set(wanted), set(wanted)
    while todo:
        found = {name for node in statements if bound_names(node) & todo for name in used_names(node)}
        todo = found - needed
        needed |= todo
    return needed
