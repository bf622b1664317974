"""Consumers: who takes what a function hands out, where the same file shows it."""

from __future__ import annotations

import ast
from functools import lru_cache

from pitfalls.guard.lint.findings import Line
from pitfalls.guard.lint.reading.modules import Module, parse
from pitfalls.guard.lint.reading.scopes import names_in, text_of

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
    calls = [(node, used) for node, used in _uses(module) if isinstance(node, ast.Call)]
    for node, used in _uses(module):
        if isinstance(node, ast.Assign) and used & names:
            names |= {text_of(target) for target in node.targets}
    for node, used in calls:
        if used & names:
            return Line(module.file, node.lineno, module.source(node.lineno))
    return None


@lru_cache(maxsize=1)
def _uses(module: Module) -> list[tuple[ast.Call | ast.Assign, set[str]]]:
    """Return the calls of consumers and the assigned results, with the names that each is given.

    The whole file is read: what was left out before because it hands nothing out may consume.
    """
    found: list[tuple[ast.Call | ast.Assign, set[str]]] = []
    try:
        tree = parse("\n".join(module.lines))
    except (SyntaxError, ValueError):  # in a part that was left out
        tree = module.tree
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            found.append((node, names_in(node.value)))
        elif isinstance(node, ast.Call) and _is_consumer(node):
            given = [*node.args, *(word.value for word in node.keywords)]
            found.append((node, {name for item in given for name in names_in(item)}))
    return found


def _is_consumer(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in CONSUMERS
