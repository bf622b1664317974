"""The corpus: what the guard sees when it runs the miniatures and the lab's generators, the linter sees by reading."""

import inspect
from pathlib import Path

import pytest
from documented import ROOT

from pitfalls.guard.lint.command import lint

GUARD = ROOT / "tests" / "guard"
LAB = ROOT / "src" / "pitfalls" / "lab"

SEEN_ELSEWHERE = {
    "delegates_to_a_corrupting_one": "reused_inputs",
    "slotted_objects": "objects_of_their_own_class",
    "IteratorWithABuffer": "IteratorWithABuffer.__next__",
    "SequenceThatFillsABuffer": "SequenceThatFillsABuffer.__getitem__",
}
"""Generators that pass on what another function hands out; that function is named."""

CANNOT_BE_TOLD = {
    "arrays_inside_an_object_array": "an array inside an array of objects is not followed",
}
"""What the guard sees and the linter does not, each with the reason."""


def functions_found(*files: Path) -> set[str]:
    """Return the functions in which something is found."""
    return {item.function for result in lint([str(file) for file in files]) for item in result.findings}


def generators_of(file: Path) -> set[str]:
    """Return the names that a miniature's table lists."""
    namespace: dict = {"__name__": file.stem}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    table = namespace.get("ARRAYS") or namespace["ALL"]
    return {inspect.unwrap(item).__name__ for item in table}


def test_every_corrupting_miniature_is_found_but_those_that_cannot_be_told():
    """By the function that hands the array out."""
    found = functions_found(GUARD / "corrupting_generators.py")
    names = generators_of(GUARD / "corrupting_generators.py")
    missed = {name for name in names if SEEN_ELSEWHERE.get(name, name) not in found}
    assert missed == set(CANNOT_BE_TOLD)


def test_nothing_is_found_in_a_benign_miniature():
    """However suspicious the code looks."""
    assert functions_found(GUARD / "benign_generators.py") == set()


def test_the_labs_generators_are_told_apart():
    """Those that reuse an array, and no other."""
    assert functions_found(LAB) == {"reused_inputs", "reused_pair", "refilled_sample", "refilled_tensor"}


@pytest.mark.parametrize(
    "name", sorted(generators_of(GUARD / "corrupting_generators.py") - set(CANNOT_BE_TOLD))
)
def test_a_finding_has_three_lines_of_the_file(name):
    """The line of the write, and each line with its source."""
    lines = (GUARD / "corrupting_generators.py").read_text().splitlines()
    wanted = SEEN_ELSEWHERE.get(name, name)
    results = lint([str(GUARD / "corrupting_generators.py")])
    found = [item for result in results for item in result.findings if item.function == wanted]
    assert found
    for line in (place for item in found for place in (item.allocated, item.written, item.handed_over)):
        assert lines[line.line - 1].strip() == line.source
