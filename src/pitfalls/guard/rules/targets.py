"""Targets: which of the arrays that were yielded a refused write was aimed at."""

from __future__ import annotations

import ast
import linecache
import traceback
import types
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pitfalls.guard.stream.lines import Place, is_user_file

if TYPE_CHECKING:
    from pitfalls.guard.rules.aliasing import Held

HARMLESS = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Slice, ast.Tuple, ast.BinOp, ast.UnaryOp),
    *(ast.operator, ast.unaryop, ast.expr_context),
)
OVERLAP_WORK = 10_000


class Write(NamedTuple):
    """A refused write: the line, and the arrays that it would have changed, each with its batch."""

    place: Place
    arrays: list[tuple[str, int]]


def refused_write(error: BaseException, held: Sequence[Held]) -> Write | None:
    """Return what a refused write was aimed at; None where that is no line of the user's, or no yielded array."""
    walked = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    frames = [(frame, line) for frame, line in walked if is_user_file(frame.f_code.co_filename)]
    if not frames:
        return None
    frame, line = frames[-1]
    targets = list(_targets(frame, line))
    leaves = [(path, batch.index, leaf) for batch in reversed(held) for path, leaf in batch.leaves.items()]
    arrays = [
        (path, index) for path, index, leaf in leaves if any(_overlap(leaf, target) for target in targets)
    ]
    return Write(Place(frame.f_code.co_filename, line), arrays) if arrays else None


def place_of(error: BaseException) -> Place | None:
    """Return the user's own line that raised an error: the innermost one outside installed packages."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_file(f.filename)]
    return Place(frames[-1].filename, frames[-1].lineno or 0) if frames else None


def _targets(frame: types.FrameType, line: int) -> Iterator[np.ndarray]:
    """Yield the arrays that the statement on a line may write to."""
    for expression in _written_expressions(frame.f_code.co_filename, line):
        if all(isinstance(node, HARMLESS) for node in ast.walk(expression)):
            try:
                loaded = ast.parse(ast.unparse(expression), mode="eval")
                value = eval(compile(loaded, "target", "eval"), frame.f_globals, frame.f_locals)
            except Exception:
                continue
            if isinstance(value, np.ndarray):
                yield value


def _written_expressions(file: str, line: int) -> Iterator[ast.expr]:
    """Yield the expressions of the innermost statement on a line that stand for what is written to."""
    for node in _nodes_at(file, line):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _subscripted(target)
        elif isinstance(node, ast.AugAssign):
            yield node.target
        elif isinstance(node, ast.Call):
            yield from [*node.args, *(word.value for word in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                yield node.func.value


def _subscripted(target: ast.expr) -> list[ast.expr]:
    """Return what an assignment writes into: ``x[3:5]`` for a slice, ``x`` for an element."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [item for element in target.elts for item in _subscripted(element)]
    if isinstance(target, ast.Subscript) and not any(
        isinstance(n, ast.Slice) for n in ast.walk(target.slice)
    ):
        return [target, _as_slice(target)]
    return [target]


def _as_slice(target: ast.Subscript) -> ast.expr:
    """Return ``x[i, ...]``, a view also where ``x[i]`` is a single value."""
    parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
    ellipsis = (
        [] if any(isinstance(n, ast.Constant) and n.value is ... for n in parts) else [ast.Constant(...)]
    )
    return ast.Subscript(target.value, ast.Tuple([*parts, *ellipsis], ast.Load()), ast.Load())


def _nodes_at(file: str, line: int) -> list[ast.AST]:
    """Return the nodes of the innermost statement that a line belongs to."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return []
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    innermost = max(around, key=lambda node: node.lineno, default=None)
    compound = isinstance(innermost, (ast.For, ast.While, ast.With, ast.If, ast.Try, ast.FunctionDef))
    return [] if innermost is None or compound else list(ast.walk(innermost))


def _overlap(leaf: object, target: np.ndarray) -> bool:
    """Tell whether an array has a byte in common with what is written to."""
    if not isinstance(leaf, np.ndarray):
        return False
    try:
        return bool(np.shares_memory(leaf, target, OVERLAP_WORK))  # type: ignore[arg-type]
    except Exception:
        return bool(np.may_share_memory(leaf, target))
