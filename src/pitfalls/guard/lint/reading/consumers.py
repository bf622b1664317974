"""Consumers: who takes what a function hands out, where the same file shows it."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.findings import Line
from pitfalls.guard.lint.reading.modules import Module
from pitfalls.guard.lint.reading.scopes import text_of

CONSUMERS = {
    *("fit", "fit_generator", "evaluate_generator", "predict_generator", "DataLoader", "from_generator"),
    *(
        "device_put",
        "OrderedEnqueuer",
        "GeneratorEnqueuer",
        "prefetch_to_device",
        "list",
        "Thread",
        "Process",
    ),
}


def consumer_of(module: Module, function: str) -> Line | None:
    """Return the first call of a known consumer that mentions a function, or a name bound to its result."""
    names = {part for part in function.split(".") if not part.startswith("_")}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _mentions(node.value, names):
            names |= {text_of(target) for target in node.targets}
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    for node in calls:
        given = [*node.args, *(word.value for word in node.keywords)]
        if text_of(node.func).rpartition(".")[2] in CONSUMERS and any(
            _mentions(item, names) for item in given
        ):
            return Line(module.file, node.lineno, module.source(node.lineno))
    return None


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(item, ast.Name | ast.Attribute) and text_of(item) in names for item in ast.walk(node)
    )
