"""Linting: one file, from its bytes to its findings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pitfalls.guard.lint.findings import FileResult, Finding, Line
from pitfalls.guard.lint.memory.state import Memory, Place
from pitfalls.guard.lint.paths.entries import ITERATING, ONE_YIELD, Entries
from pitfalls.guard.lint.paths.machine import Event, TooManyPathsError
from pitfalls.guard.lint.reading.candidates import is_candidate
from pitfalls.guard.lint.reading.consumers import consumer_of
from pitfalls.guard.lint.reading.modules import Module, Tree, module_of
from pitfalls.guard.lint.reading.notebooks import code_of
from pitfalls.guard.lint.reading.scopes import decorators_of, text_of
from pitfalls.guard.lint.rules.deciding import confidence_of, rule_of
from pitfalls.guard.lint.suggesting import copied_line, proving_command

PYTHON_2 = re.compile(
    rb"^\s*print\s+[\"'\w]|except\s+[\w.]+\s*,\s*\w+\s*:|\bxrange\(|\braise\s+\w+\s*,", re.M
)
IGNORED = re.compile(r"#\s*pitfalls:\s*ignore(?:\[([\w\s,-]*)\])?")
MOST_BYTES = 2_000_000


def lint_file(file: str, roots: list[str]) -> FileResult:
    """Read a file and return what is wrong with it; nothing of it is run.

    Args:
        file: A Python file or a notebook.
        roots: Folders that its imports may come from.
    """
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        return FileResult(file, passed_over=f"cannot be read: {error.strerror}")
    if not is_candidate(content):
        return FileResult(file)
    if len(content) > MOST_BYTES:
        return FileResult(file, passed_over="more than 2 MB of source")
    return _lint_content(file, content, roots)


def _lint_content(file: str, content: bytes, roots: list[str]) -> FileResult:
    try:
        module = module_of(file, code_of(file, content))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return FileResult(file, passed_over=_why_unreadable(content, error))
    tree = Tree(roots)
    tree.add(module)
    return lint_module(module, tree)


def _why_unreadable(content: bytes, error: BaseException) -> str:
    if PYTHON_2.search(content):
        return "Python 2"
    line = getattr(error, "lineno", None)
    return f"not Python: {getattr(error, 'msg', None) or error}" + (f", line {line}" if line else "")


def lint_module(module: Module, tree: Tree) -> FileResult:
    """Follow the functions of a module that hand something out."""
    machine = Entries(tree)
    found: dict[object, Finding] = {}
    unsure = []
    for node, owner, name in machine.entries(module):
        if not hands_over(node, owner):
            continue
        try:
            events = machine.run(module, node, owner, name)
        except TooManyPathsError:
            unsure.append(f"{name}: it has too many paths")
            continue
        for event in sorted(events, key=lambda item: (item.place.line, item.held.place.line)):
            key = (event.memory.place.line, event.memory.name, event.held.place.function, rule_of(event))
            found.setdefault((*key, event.held.place.file), _finding(event, machine.tree, module))
    findings = sorted(found.values(), key=lambda item: (item.written.line, item.array))
    kept = tuple(item for item in findings if not is_ignored(item, tree))
    return FileResult(module.file, kept, cannot_tell=tuple(unsure))


def hands_over(node: ast.AST, owner: ast.ClassDef | None) -> bool:
    """Tell whether a function hands something out, or gives it to something that reads it later."""
    if decorators_of(node) & ONE_YIELD:
        return False
    if owner is not None and getattr(node, "name", "") in ITERATING:
        return True
    for item in ast.walk(node):
        if isinstance(item, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute):
            if item.func.attr in ("put", "put_nowait", "device_put") or text_of(item.func).startswith("jnp."):
                return True
            if any(word.arg == "non_blocking" for word in item.keywords):
                return True
    return False


def _finding(event: Event, tree: Tree, module: Module) -> Finding:
    held = event.held.place
    return Finding(
        rule=rule_of(event),
        function=held.function,
        array=array_of(event.memory, tree),
        allocated=line_of(event.memory.place, tree),
        written=line_of(event.place, tree),
        handed_over=line_of(held, tree),
        by=event.held.by,
        confidence=confidence_of(event),
        prove=proving_command(module, held.function),
        consumer=consumer_of(module, held.function),
        copied=copied_line(event, tree),
    )


def array_of(memory: Memory, tree: Tree) -> str:
    """Return what the source calls some memory."""
    if memory.name:
        return memory.name
    return tree.module(memory.place.file).source(memory.place.line).split("=")[0].strip() or "an array"


def line_of(place: Place, tree: Tree) -> Line:
    """Return the source of a place."""
    return Line(place.file, place.line, tree.module(place.file).source(place.line), place.column)


def is_ignored(finding: Finding, tree: Tree) -> bool:
    """Tell whether a comment on one of the three lines says that the finding is known."""
    for line in (finding.written, finding.handed_over, finding.allocated):
        match = IGNORED.search(line.source)
        if match and (match[1] is None or finding.rule in [rule.strip() for rule in match[1].split(",")]):
            return True
    return False
