"""Modules: a file as functions, classes, imports and constants; and the files that it imports from its tree."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from pitfalls.guard.lint.memory.values import UNKNOWN, Class, Function, Library, Value


@dataclass(eq=False)
class Module:
    """One parsed file."""

    file: str
    tree: ast.Module
    lines: list[str]
    imports: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, ast.AST] = field(default_factory=dict)
    assigned: dict[str, ast.expr | None] = field(default_factory=dict)

    def source(self, line: int) -> str:
        """Return a line of the file, without the blanks around it."""
        return self.lines[line - 1].strip() if 0 < line <= len(self.lines) else ""


def parse(source: str | bytes) -> ast.Module:
    """Parse a file without its warnings about odd escapes.

    Raises:
        SyntaxError: It is not this Python.
        ValueError: It holds a null byte.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def module_of(file: str, source: str) -> Module:
    """Return a file's module.

    Raises:
        SyntaxError: It is not this Python.
    """
    module = Module(file, parse(source), source.splitlines())
    package = Path(file).with_suffix("").parts[:-1]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            _note_import(module, node)
        elif isinstance(node, ast.ImportFrom):
            _note_import_from(module, node, package)
    for statement in module.tree.body:
        _note_definition(module, statement)
    return module


def _note_import(module: Module, node: ast.Import) -> None:
    for alias in node.names:
        module.imports[alias.asname or alias.name.split(".")[0]] = (
            alias.name if alias.asname else alias.name.split(".")[0]
        )


def _note_import_from(module: Module, node: ast.ImportFrom, package: tuple[str, ...]) -> None:
    prefix = node.module or ""
    if node.level:
        above = package[: len(package) - node.level + 1]
        prefix = "/".join(above) + ":" + prefix
    for alias in node.names:
        module.imports[alias.asname or alias.name] = f"{prefix}.{alias.name}" if prefix else alias.name


def _note_definition(module: Module, statement: ast.stmt) -> None:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        module.definitions[statement.name] = statement
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        _note_assigned(module, statement.targets[0], statement.value)
    elif isinstance(statement, ast.If | ast.Try):
        for inner in [*statement.body, *statement.orelse]:
            _note_definition(module, inner)


def _note_assigned(module: Module, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for inner, its_value in zip(target.elts, value.elts, strict=True):
            _note_assigned(module, inner, its_value)
    elif isinstance(target, ast.Name):
        module.assigned[target.id] = None if target.id in module.assigned else value


class Tree:
    """The files that were named, and those that they import from the same folders."""

    def __init__(self, roots: list[str]) -> None:
        """Remember where imports may lead."""
        self.roots = [Path(root) for root in roots]
        self._modules: dict[str, Module | None] = {}
        self._resolved: dict[tuple[str, str], Value] = {}

    def add(self, module: Module) -> None:
        """Keep a module that is parsed already."""
        self._modules[module.file] = module

    def module(self, file: str) -> Module:
        """Return a module that was read before."""
        module = self._modules[file]
        assert module is not None
        return module

    def resolve(self, module: Module, dotted: str) -> Value:
        """Return what an imported name stands for: a function or a class of the tree, else a library's name."""
        key = (module.file, dotted)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(module, dotted)
        return self._resolved[key]

    def _resolve(self, module: Module, dotted: str) -> Value:
        base, colon, rest = dotted.rpartition(":")
        starts = [Path(base)] if colon else [Path(module.file).parent, *self.roots]
        parts = rest.strip(".").split(".")
        for start in starts:
            for length in range(len(parts) - 1, 0, -1):
                file = start.joinpath(*parts[:length])
                found = self._defined(file, parts[length:])
                if found is not UNKNOWN:
                    return found
        return UNKNOWN if colon else Library(dotted)

    def _defined(self, path: Path, names: list[str]) -> Value:
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            imported = self._load(str(file))
            if imported and len(names) == 1:
                return definition_in(imported, names[0])
        return UNKNOWN

    def _load(self, file: str) -> Module | None:
        if file not in self._modules:
            self._modules[file] = None
            if Path(file).is_file():
                try:
                    self._modules[file] = module_of(file, Path(file).read_text(encoding="utf-8"))
                except (SyntaxError, ValueError, OSError, RecursionError):
                    return None
        return self._modules[file]


def definition_in(module: Module, name: str) -> Value:
    """Return the function or the class that a module defines under a name."""
    node = module.definitions.get(name)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return Function(node, module.file, 0)
    return Class(node, module.file) if isinstance(node, ast.ClassDef) else UNKNOWN
