"""Walls: which part of the guard imports which, and which frames are its own."""

import ast
from pathlib import Path

import pytest

import pitfalls.guard
from pitfalls.guard.stream.lines import is_user_file

GUARD = Path(pitfalls.guard.__file__).parent
ORDER = ("findings", "stream", "rules", "shapes", "lint", "command")
OPEN_TO_ALL = {"__init__.py", "pytest_plugin.py"}
FRAMEWORKS = {
    "keras": ("shapes/", "rules/datasets.py"),
    "tensorflow": ("shapes/",),
}
FILES = sorted(path.relative_to(GUARD).as_posix() for path in GUARD.rglob("*.py"))


def imports_of(source):
    """Return the modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong_imports(file, source):
    """Return what a file of the guard must not import."""
    own = ORDER.index(file.removesuffix(".py").split("/")[0])
    for name in imports_of(source):
        first, *rest = name.split(".")
        if first in FRAMEWORKS and not file.startswith(FRAMEWORKS[first]):
            yield name
        if first == "pitfalls" and (rest[0] != "guard" or rest[1] not in ORDER[: own + 1]):
            yield name


@pytest.mark.parametrize("file", [file for file in FILES if file not in OPEN_TO_ALL])
def test_a_part_imports_only_itself_and_those_to_its_left(file):
    """findings, stream, rules, shapes, lint, command; frameworks in shapes, and Keras where a PyDataset is made."""
    assert list(wrong_imports(file, (GUARD / file).read_text())) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("stream/batches.py", "from pitfalls.guard.rules import aliasing"),
        ("rules/checking.py", "from pitfalls.guard.command.cli import main"),
        ("command/cli.py", "from pitfalls import guard"),
        ("shapes/axes.py", "import pitfalls.errors"),
        ("findings.py", "def f():\n    from pitfalls.guard.stream.memory import address_of"),
        ("rules/checking.py", "import keras"),
        ("rules/datasets.py", "import tensorflow as tf"),
        ("command/child.py", "from keras import ops"),
    ],
)
def test_an_import_through_a_wall_is_noticed(file, line):
    """The test above can fail."""
    try:
        found = list(wrong_imports(file, line))
    except IndexError:
        found = ["the whole guard"]
    assert found


@pytest.mark.parametrize("file", FILES)
def test_the_guards_own_frames_are_no_place_in_the_users_code(file):
    """Wherever in the guard they are: a line of stream/ must not be taken for the user's by shapes/."""
    assert not is_user_file(str(GUARD / file))


@pytest.mark.skipif(
    "site-packages" in str(GUARD), reason="the guard is installed, and so is what lies beside it"
)
@pytest.mark.parametrize("name", ["guarding.py", "guard_of_mine/loader.py", "../train.py"])
def test_a_file_beside_the_guard_is_the_users(name):
    """Only the guard's own folder is left out."""
    assert is_user_file(str(GUARD.parent / name))
