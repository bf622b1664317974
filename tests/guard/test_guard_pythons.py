"""Pythons: the guard asks nothing of the standard library that the running Python does not have."""

import ast
import importlib
import sys
from pathlib import Path

import pytest

import pitfalls.guard

GUARD = Path(pitfalls.guard.__file__).parent


def statements(tree):
    """Yield every statement that runs: what stands under TYPE_CHECKING is for a type checker alone."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def missing_names(source):
    """Return what a file imports from the standard library, or asks of its modules, and this Python has not."""
    modules, missing = {}, []
    nodes = list(statements(ast.parse(source)))
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in sys.stdlib_module_names:
                    modules[(alias.asname or alias.name).split(".")[0]] = alias.name
        elif (
            isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in sys.stdlib_module_names
        ):
            module = importlib.import_module(node.module)
            missing += [f"{node.module}.{a.name}" for a in node.names if not hasattr(module, a.name)]
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            module = importlib.import_module(modules[node.value.id])
            missing += [] if hasattr(module, node.attr) else [f"{modules[node.value.id]}.{node.attr}"]
    return sorted(missing)


@pytest.mark.parametrize(
    "file", sorted(GUARD.rglob("*.py")), ids=lambda file: file.relative_to(GUARD).as_posix()
)
def test_every_name_of_the_standard_library_is_in_this_python(file):
    """Read from the source, so that it covers also what needs Keras to be imported."""
    assert missing_names(file.read_text()) == []


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("from typing import Any, NoSuchThing", ["typing.NoSuchThing"]),
        ("import datetime as dt\ndt.no_such_zone", ["datetime.no_such_zone"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from typing import NoSuchThing", []),
    ],
)
def test_a_name_that_is_not_there_is_noticed(source, missing):
    """The reading can fail, and leaves out what never runs."""
    assert missing_names(source) == missing
