"""Python 2: makes as much of it into Python 3 as generators of batches need."""

from __future__ import annotations

import ast
import re
from typing import Any

REPAIRS = (
    (re.compile(r"^(\s*)print\s*>>.*$", re.MULTILINE), r"\1pass"),
    (re.compile(r"^(\s*)print[ \t]+(?![(=])(.+?)[ \t]*$", re.MULTILINE), r"\1print(\2)"),
    (re.compile(r"(:[ \t]*)print[ \t]+(?![(=])(.+?)[ \t]*$", re.MULTILINE), r"\1print(\2)"),
    (re.compile(r"^(\s*)print[ \t]*(\(.*\)[ \t]*%.*)$", re.MULTILINE), r"\1print(\2)"),
    (re.compile(r"^(\s*except\s+[\w.]+|\s*except\s*\([^)]*\))\s*,\s*(\w+)\s*:", re.MULTILINE), r"\1 as \2:"),
    (re.compile(r"^(\s*raise\s+[\w.]+)\s*,\s*(.+)$", re.MULTILINE), r"\1(\2)"),
    (re.compile(r"^(\s*)exec\s+(?!\().*$", re.MULTILINE), r"\1pass"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"(?<![\w.])0([0-7]+)(?![\w.])"), r"0o\1"),
)
METHODS = {"iteritems": "items", "itervalues": "values", "iterkeys": "keys"}
DIVIDE = "__divided_as_in_python_2__"


def repaired(text: str) -> str:
    """Return a text with what only Python 2 parses written as Python 3 has it; lines stay where they are."""
    for pattern, replacement in REPAIRS:
        text = pattern.sub(replacement, text)
    return text


def modernized(tree: ast.Module) -> ast.Module:
    """Return a syntax tree of Python 2 whose divisions and methods do in Python 3 what they did."""
    return ast.fix_missing_locations(_Modernizer().visit(tree))


def names_of_python_2() -> dict[str, Any]:
    """Return the built-in names that Python 3 has under another name, and its division."""
    return {
        "xrange": range,
        "unicode": str,
        "basestring": str,
        "long": int,
        "raw_input": input,
        DIVIDE: divided,
    }


def divided(a: Any, b: Any) -> Any:
    """Divide two integers without a rest, and everything else as ever."""
    return a // b if isinstance(a, int) and isinstance(b, int) else a / b


class _Modernizer(ast.NodeTransformer):
    """Replaces divisions, and methods that have another name now."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        return ast.copy_location(ast.Call(ast.Name(DIVIDE, ast.Load()), [node.left, node.right], []), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        method = node.func
        if isinstance(method, ast.Attribute) and method.attr in METHODS and not node.args:
            method.attr = METHODS[method.attr]
        if isinstance(method, ast.Attribute) and method.attr == "next" and not node.args:
            return ast.copy_location(ast.Call(ast.Name("next", ast.Load()), [method.value], []), node)
        return node
