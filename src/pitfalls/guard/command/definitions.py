"""Definitions: takes from a script what defines things, and runs nothing else of it.

Much code in question loads data and trains when it is imported. From such a file only
imports, functions, classes and plain constants are taken, and of these only what the
wanted names lead to. What cannot be imported is stood in for, what does not parse is
left out, and a function that is wanted and nested in another one is taken out of it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import Any

from pitfalls.guard.command.python2 import DIVIDE, names_of_python_2
from pitfalls.guard.command.sources import parsed
from pitfalls.guard.command.stand_ins import StandIn, calls_of_stand_ins

Namespace = dict[str, Any]
"""The names of a module, with their values."""

PURE_BUILTINS = {
    *("int", "float", "str", "bool", "len", "range", "tuple", "list", "dict", "set", "min", "max"),
    *(DIVIDE, "abs", "sum", "round", "sorted", "zip", "enumerate", "frozenset", "object", "type"),
}
PURE_MODULES = {
    "np",
    "numpy",
    "math",
    "os.path",
    "re",
    "threading",
    "logging",
    "collections",
    "functools",
    "itertools",
}
READING = {"load", "loadtxt", "genfromtxt", "fromfile", "memmap", "open_memmap", "basicConfig", "fromregex"}
TEXT_METHODS = {"split", "format", "join", "lower", "upper", "strip"}
DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
DECORATED = (ast.FunctionDef, ast.ClassDef)
ASSIGNING = (ast.Assign, ast.AnnAssign)
KNOWN_NAMES = {*dir(builtins), "__file__", DIVIDE}
KEPT_DECORATORS = {"property", "staticmethod", "classmethod"}
PLAIN = (
    *(ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.BoolOp),
    *(ast.Compare, ast.IfExp, ast.JoinedStr, ast.FormattedValue, ast.Subscript, ast.Slice, ast.Attribute),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context, ast.Call, ast.keyword, ast.Starred),
)
TRAINING = {"fit", "fit_generator", "train_on_batch", "evaluate", "evaluate_generator", "apply_gradients"}


class Definitions:
    """The definitions of one file, and why some of its names are not among them."""

    def __init__(self, source: str, file: str) -> None:
        """Parse as much of a file as can be parsed."""
        self.file = file
        self.tree, self.unparsed = parsed(source, file)
        self.reasons: dict[str, str] = {}
        for line, message, names in self.unparsed:
            self.reasons |= dict.fromkeys(names, f"line {line} does not parse ({message})")

    def run(self, namespace: Namespace, wanted: set[str]) -> None:
        """Execute the definitions that the wanted names lead to, in the order of the file."""
        namespace.update(names_of_python_2())
        statements = [*self._definitions(), *self._nested(wanted)]
        needed = _reachable(statements, wanted)
        for node in statements:
            if bound_names(node) & needed or _is_star(node):
                self._execute(node, namespace)
        self._note_what_was_left_out(namespace)

    def _nested(self, wanted: set[str]) -> Iterator[ast.stmt]:
        """Yield the functions that are wanted and defined inside others, and say what they would find there."""
        for name in sorted(wanted - {name for node in self.tree.body for name in bound_names(node)}):
            found = nested_function(self.tree, name)
            if found is not None:
                outer, inner = found
                for local in locals_of(outer) - {name}:
                    self.reasons.setdefault(
                        local, f"it is a name inside {outer.name}, from which {name} was taken"
                    )
                yield inner

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
            with calls_of_stand_ins():
                exec(compile(ast.Module([node], []), self.file, "exec"), namespace)
        except Exception as error:
            if isinstance(node, (ast.Import, ast.ImportFrom)) and not _is_star(node):
                self._stand_in(node, namespace, error)
                return
            if self._stands_in_for_more(node, namespace, error):
                return
            if isinstance(node, DECORATED) and _without_what_is_computed(node):
                self._execute(node, namespace)
                return
            because = self.reasons.get(getattr(error, "name", None) or "", f"{type(error).__name__}: {error}")
            for name in bound_names(node):
                self.reasons[name] = f"{self._at(node)} failed: {because}"

    def _stands_in_for_more(self, node: ast.stmt, namespace: Namespace, error: Exception) -> bool:
        """Stand in for what a `try` did not import, or for a name that the file only uses; tell whether that was it."""
        missing = bound_names(node) if isinstance(node, ast.Try) and isinstance(error, ImportError) else set()
        name = getattr(error, "name", None) if isinstance(error, NameError) else None
        if not missing and (name is None or name in namespace or name in self.reasons):
            return False
        because = f"{self._at(node)} failed: {type(error).__name__}: {error}"
        for lacking in missing or {name or ""}:
            namespace.setdefault(lacking, StandIn(lacking, because))
        if not missing:
            self._execute(node, namespace)
        return True

    def _stand_in(self, node: ast.Import | ast.ImportFrom, namespace: Namespace, error: Exception) -> None:
        """Bind the names of an import that failed to stand-ins, which say why when they are used."""
        because = f"{self._at(node)} failed: {type(error).__name__}: {error}"
        for alias in node.names:
            path = (
                alias.name
                if isinstance(node, ast.Import)
                else f"{node.module or ''}.{alias.name}".lstrip(".")
            )
            name = alias.asname or alias.name.split(".")[0]
            if name not in namespace:
                namespace[name] = StandIn(path if alias.asname or "." not in alias.name else name, because)

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


def _without_what_is_computed(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Take decorators away and replace defaults that the script computes by None; tell whether there were any."""
    if isinstance(node, ast.ClassDef):
        methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
        changed = [_without_what_is_computed(method) for method in methods]
        decorated, node.decorator_list = bool(node.decorator_list), []
        return decorated or any(changed)
    kept = [
        item
        for item in node.decorator_list
        if ast.unparse(item).split(".")[-1] in KEPT_DECORATORS | {"setter"}
    ]
    plain = [isinstance(default, ast.Constant) for default in node.args.defaults]
    changed_something = len(kept) < len(node.decorator_list) or not all(plain)
    node.decorator_list = kept
    node.args.defaults = [
        default if is_plain else ast.copy_location(ast.Constant(None), default)
        for default, is_plain in zip(node.args.defaults, plain, strict=True)
    ]
    return changed_something


def nested_function(tree: ast.AST, name: str) -> tuple[ast.FunctionDef, ast.FunctionDef] | None:
    """Return a function that is defined inside another one, behind that one."""
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef):
            for inner in ast.walk(outer):
                if isinstance(inner, ast.FunctionDef) and inner is not outer and inner.name == name:
                    return outer, inner
    return None


def locals_of(function: ast.FunctionDef) -> set[str]:
    """Return the arguments of a function and the names that it binds."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {item.arg for item in arguments if item} | {
        item.id
        for item in ast.walk(function)
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
    }


def training_line(source: str) -> int | None:
    """Return the first line that starts to train when a file is imported, if there is one."""
    for statement in parsed(source, "")[0].body:
        if isinstance(statement, DEFINING) or _asks_for_main(statement):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", None) in TRAINING:
                return node.lineno
    return None


def functions_of(source: str) -> list[str]:
    """Return the names of a file's functions and classes, generators first; nothing is run."""
    body = parsed(source, "")[0].body
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
        if isinstance(node, ast.Call) and not _is_pure(node.func):
            return False
        if isinstance(node, ast.Name) and node.id not in constants and node.id not in KNOWN_NAMES:
            return False
    return True


def _is_pure(function: ast.expr) -> bool:
    """Tell whether a call reads nothing and changes nothing, as far as its name tells."""
    if isinstance(function, ast.Name):
        return function.id in PURE_BUILTINS
    if not isinstance(function, ast.Attribute):
        return False
    if isinstance(function.value, (ast.Constant, ast.JoinedStr)):
        return function.attr in TEXT_METHODS
    return ast.unparse(function.value) in PURE_MODULES and function.attr not in READING


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
