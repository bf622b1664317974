"""Values: what an expression can stand for, as far as it can be told without running it.

Everything here is immutable and hashable, so that two paths through a function that lead to
the same memory are recognised as one and a loop ends when it adds nothing new.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

Frame = int
"""One activation of a function: equal call sites share a number."""


@dataclass(frozen=True)
class Value:
    """Something that cannot be told: a number, a text, a result of unknown code."""


UNKNOWN = Value()


@dataclass(frozen=True)
class Constant(Value):
    """A literal; the kind keeps True and 1 apart."""

    kind: str
    value: bool | int | float | str | None


def constant(value: object) -> Value:
    """Return a literal as a value; what is no plain literal cannot be told."""
    if value is None or isinstance(value, bool | int | float | str):
        return Constant(type(value).__name__, value)
    return UNKNOWN


@dataclass(frozen=True)
class Integer(Value):
    """A number that can be an index: ``ring`` is the N of ``i % N``, where that is known."""

    ring: int | None = None


@dataclass(frozen=True)
class Region:
    """Which part of an array.

    Attributes:
        kind: ``whole``; ``fixed``: the same part each time; ``moving``: another part each time;
            ``ring``: one of N parts in turn.
        key: The index as it is written, or N.
    """

    kind: str
    key: str = ""


WHOLE = Region("whole")
MOVING = Region("moving")

LONGEST_RING = 10
"""A consumer may hold so many batches: the guard's default depth."""


def overlap(handed: Region, written: Region) -> bool:
    """Tell whether a write certainly meets memory that was handed out; in doubt it does not."""
    if "whole" in (handed.kind, written.kind):
        return True
    kinds = {handed.kind, written.kind}
    if kinds == {"fixed"}:
        return handed.key == written.key or (handed.key[:1] == ":" and written.key[:1] == ":")
    if kinds == {"ring"}:
        return handed.key == written.key and int(handed.key) <= LONGEST_RING
    fixed = handed if handed.kind == "fixed" else written
    return "fixed" in kinds and fixed.key[:1] == ":"


def part_of(outer: Region, inner: Region) -> Region:
    """Return the region of a view of a view."""
    if inner.kind == "whole" or outer.kind in ("moving", "ring"):
        return outer
    if outer.kind == "whole" or inner.kind in ("moving", "ring"):
        return inner
    return Region("fixed", f"{outer.key}|{inner.key}")


Site = tuple[ast.AST | str, Frame]
"""Where memory is allocated: the expression, and the activation it runs in."""


@dataclass(frozen=True)
class Reference(Value):
    """Memory allocated at a site, or a part of it; with its axes where a ``reshape`` has named them."""

    site: Site
    region: Region = WHOLE
    dimensions: int | None = None


@dataclass(frozen=True)
class Group(Value):
    """A tuple."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Library(Value):
    """A name of an imported module: ``numpy.zeros``."""

    path: str


@dataclass(frozen=True)
class Function(Value):
    """A function of the file, or of one it imports, with the activation that it closes over."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: str
    frame: Frame
    owner: Value | None = None
    base: ast.ClassDef | None = None


@dataclass(frozen=True)
class Class(Value):
    """A class of the file, or of one it imports."""

    node: ast.ClassDef
    module: str


@dataclass(frozen=True)
class Method(Value):
    """A method of something that is no instance of a known class: ``buffer.copy``."""

    owner: Value
    name: str
    node: ast.expr = field(compare=False)


@dataclass(frozen=True)
class Produced(Value):
    """A generator that was called and not yet walked."""

    function: Function
    frame: Frame
    comprehension: ast.GeneratorExp | None = None
