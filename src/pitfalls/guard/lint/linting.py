"""Linting: one file, from its bytes to its findings."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from pitfalls.guard.lint.findings import FileResult, Finding, Line
from pitfalls.guard.lint.memory.state import Memory, Place
from pitfalls.guard.lint.paths.entries import ONE_YIELD, Entries, is_iterating
from pitfalls.guard.lint.paths.machine import Event, TooManyPathsError
from pitfalls.guard.lint.reading.candidates import is_candidate, reduced
from pitfalls.guard.lint.reading.consumers import consumer_of
from pitfalls.guard.lint.reading.modules import Module, Tree, module_of
from pitfalls.guard.lint.reading.notebooks import code_of
from pitfalls.guard.lint.reading.scopes import decorators_of
from pitfalls.guard.lint.reading.transforms import sample_of
from pitfalls.guard.lint.rules.deciding import confidence_of, rule_of
from pitfalls.guard.lint.suggesting import copied_line, proving_command

PYTHON_2 = re.compile(
    rb"^\s*print\s+[\"'\w]|except\s+[\w.]+\s*,\s*\w+\s*:|\bxrange\(|\braise\s+\w+\s*,", re.M
)
IGNORED = re.compile(r"#\s*pitfalls:\s*ignore(?:\[([\w\s,-]*)\])?")
FOREIGN = sys.stdlib_module_names | {
    "numpy",
    "torch",
    "jax",
    "keras",
    "tensorflow",
    "cv2",
    "PIL",
    "pandas",
    "scipy",
}
MOST_BYTES = 2_000_000
LENDING = {"put", "put_nowait", "device_put"}
LATE = {"array", "asarray", "copy"}
"""Methods and functions that may read what they are given after they have returned; the last ones of JAX."""

WRITING = {
    *(
        "fill",
        "copyto",
        "shuffle",
        "readinto",
        "readinto1",
        "recv_into",
        "read_direct",
        "append",
        "appendleft",
    ),
    *("extend", "update", "clear", "insert", "pop", "sort", "reverse", "remove", "popitem", "put", "place"),
    *("putmask", "itemset", "at", "partition", "pack_into", "setdefault", "fill_diagonal"),
}


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
        module = _module(file, code_of(file, content))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return FileResult(file, passed_over=_why_unreadable(content, error))
    tree = Tree(roots)
    tree.add(module)
    return lint_module(module, tree)


def _module(file: str, source: str) -> Module:
    """Parse what can play a part in a file; all of it where that does not come apart cleanly."""
    try:
        module = module_of(file, reduced(source))
    except SyntaxError:
        return module_of(file, source)
    module.lines = source.splitlines()
    return module


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
        if not (sample_of(node) or hands_over(node, owner, module)) or not reaches_a_write(
            node, owner, module
        ):
            continue
        try:
            events = machine.run(module, node, owner, name)
        except TooManyPathsError:
            unsure.append(f"{name}: it has too many paths")
            continue
        for event in sorted(events, key=lambda item: (item.place.line, item.held.place.line)):
            key = key_of(event)
            if key not in found:
                found[key] = _finding(event, tree, module)
    findings = sorted(found.values(), key=lambda item: (item.written.line, item.array))
    kept = tuple(item for item in findings if not is_ignored(item, tree))
    return FileResult(module.file, kept, cannot_tell=tuple(unsure))


def key_of(event: Event) -> object:
    """Return what makes an event a finding of its own: one array in one function, whatever writes to it."""
    memory, held = event.memory, event.held.place
    return (memory.place.line, memory.name, held.file, held.function, rule_of(event))


def hands_over(node: ast.AST, owner: ast.ClassDef | None, module: Module) -> bool:
    """Tell whether a function hands something out, or gives it to something that reads it later."""
    if decorators_of(node) & ONE_YIELD:
        return False
    if owner is not None and is_iterating(getattr(node, "name", "")):
        return True
    if any(isinstance(item, ast.Yield | ast.YieldFrom) for item in ast.walk(node)):
        return True
    lends = any(_lends(item, module) for item in ast.walk(node))
    return lends and any(writes_in_place(item) for item in ast.walk(node))


def _lends(node: ast.AST, module: Module) -> bool:
    """Tell whether a node gives memory to something that may read it later."""
    if isinstance(node, ast.keyword):
        return node.arg == "non_blocking"
    if not isinstance(node, ast.Attribute):
        return False
    is_jax = isinstance(node.value, ast.Name) and module.imports.get(node.value.id) == "jax.numpy"
    return node.attr in LENDING or (is_jax and node.attr in LATE)


def reaches_a_write(node: ast.AST, owner: ast.ClassDef | None, module: Module) -> bool:
    """Tell whether a function, or one of those that it names, may write to memory that exists already."""
    methods = {item.name: item for item in getattr(owner, "body", []) if isinstance(item, ast.FunctionDef)}
    known: dict[str, ast.AST] = {**module.definitions, **methods}
    seen: set[ast.AST] = set()
    waiting = [node, *(methods[name] for name in ("__init__", "__iter__", "on_epoch_end") if name in methods)]
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        inside = list(ast.walk(item))
        if any(writes_in_place(part) for part in inside):
            return True
        names = {part.attr for part in inside if isinstance(part, ast.Attribute)}
        names |= {part.id for part in inside if isinstance(part, ast.Name)}
        if any(
            isinstance(module.imports.get(name), str) and _is_ours(module.imports[name]) for name in names
        ):
            return True
        waiting += [known[name] for name in names & set(known)]
    return False


def _is_ours(dotted: str) -> bool:
    """Tell whether an import may lead to a file of the same tree."""
    return dotted.split(".")[0] not in FOREIGN


def writes_in_place(node: ast.AST) -> bool:
    """Tell whether a node may write to memory that exists already."""
    if isinstance(node, ast.Subscript):
        return not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        return (
            name in WRITING or name[-1:] == "_" or any(word.arg in ("out", "dst") for word in node.keywords)
        )
    return isinstance(node, ast.AugAssign)


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
