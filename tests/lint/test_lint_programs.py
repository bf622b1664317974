"""Programs drawn at random: what the guard sees when it runs them, the linter says by reading them."""

import ast
import random
from collections import Counter
from functools import lru_cache

import pytest
from lint.made_programs import drawn

from pitfalls import guard
from pitfalls.guard.lint.linting import lint_module
from pitfalls.guard.lint.reading.modules import Tree, module_of

PROGRAMS = 2000
RECALL = 0.95


def is_aliased(source: str) -> bool:
    """Run a program under the guard."""
    namespace: dict = {"__name__": "made"}
    exec(compile(source, "made.py", "exec"), namespace)
    return any(finding.rule == "aliased-batch" for finding in guard.check(namespace["make"], batches=40))


def is_found(source: str) -> bool:
    """Read a program."""
    tree, module = Tree([]), module_of("made.py", source)
    tree.add(module)
    return bool(lint_module(module, tree).findings)


@lru_cache(maxsize=1)
def outcomes() -> dict[tuple[bool, bool], list]:
    """Return the programs by what the guard saw and what the linter said."""
    rng, found = random.Random(0), {(a, b): [] for a in (True, False) for b in (True, False)}
    programs = list(dict.fromkeys(drawn(rng) for _ in range(PROGRAMS * 2)))[:PROGRAMS]
    assert len(programs) == PROGRAMS
    for program in programs:
        found[is_aliased(program.source), is_found(program.source)].append(program)
    return found


def test_no_false_alarm():
    """Two thousand different programs."""
    assert [program.kind for program in outcomes()[False, True]] == []


def test_most_are_found_and_the_misses_are_known_by_kind():
    """Both sides are well filled, so that neither bar is reached by chance."""
    seen, missed = outcomes()[True, True], outcomes()[True, False]
    print(Counter(kind for program in missed for kind in program.kind.split(" / ")))
    assert len(seen) + len(missed) > 400
    assert len(outcomes()[False, False]) > 400
    assert len(seen) / (len(seen) + len(missed)) >= RECALL, Counter(program.kind for program in missed)


@pytest.mark.parametrize("number", range(20))
def test_a_program_is_python(number):
    """Each has a function that makes its batches."""
    program = drawn(random.Random(number))
    names = [node.name for node in ast.parse(program.source).body if isinstance(node, ast.FunctionDef)]
    assert "make" in names
