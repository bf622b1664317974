"""Lines: those of the user's code that allocate a buffer and that fill it again.

A line is named only if the function that yields, or one that it calls, has a name for the
very memory, and only if that name stands for nothing else there. Otherwise none is named.
"""

from __future__ import annotations

import functools
import linecache
import sysconfig
from pathlib import Path
from typing import NamedTuple

from pitfalls.guard.stream.holders import holders_of
from pitfalls.guard.stream.statements import Name
from pitfalls.guard.stream.syntax import Source

OWN_CODE = str(Path(__file__).parents[1]) + "/"
STANDARD_LIBRARY = sysconfig.get_path("stdlib") + "/"
INSTALLED = ("site-packages/", "dist-packages/")


class Place(NamedTuple):
    """One line of somebody's source."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """Return ``file:line: code``."""
        return f"{self.file}:{self.line}: {linecache.getline(self.file, self.line).strip()}"


class Places(NamedTuple):
    """Where a buffer is allocated and where it is filled again, as far as that is known, and what it is called."""

    allocated: Place | None = None
    refilled: Place | None = None
    name: str | None = None

    def lines(self) -> list[str]:
        """Return the lines of a message that say so."""
        pairs = (("allocated", self.allocated), ("refilled", self.refilled))
        return [f"  {word:<11} {place.text}" for word, place in pairs if place]


def find_places(source: object, leaf: object) -> Places:
    """Return the lines that allocate and refill a leaf's memory, as far as that can be proven."""
    found = Places()
    for code, names in holders_of(source, leaf):
        text = _source(code.co_filename) if is_user_file(code.co_filename) else None
        if text is not None:
            allocated, refilled = text.lines_of(code.co_firstlineno, names)
            found = Places(
                found.allocated or _place(code.co_filename, allocated),
                found.refilled or _place(code.co_filename, refilled),
                found.name or min(names, key=lambda name: (names[name].level, len(name))),
            )
    return found


def may_be_written(source: object, leaf: object) -> bool:
    """Tell whether the code behind a source writes to an array of which a leaf is a part, wherever in it."""
    for code, names in holders_of(source, leaf):
        text = _source(code.co_filename) if is_user_file(code.co_filename) else None
        anywhere = {name: Name(what.level) for name, what in names.items()}
        if text is not None and text.lines_of(code.co_firstlineno, anywhere)[1]:
            return True
    return False


def is_user_file(file: str) -> bool:
    """Tell whether a file is Python of the user's: no installed package, no compiled code, no part of the guard."""
    if file.startswith((OWN_CODE, STANDARD_LIBRARY)) or any(part in file for part in INSTALLED):
        return False
    return file.endswith((".py", ".ipynb")) or (file.startswith("<") and bool(linecache.getlines(file)))


@functools.lru_cache(maxsize=32)
def _source(file: str) -> Source | None:
    """Return a file's syntax, or None where the source is not at hand."""
    try:
        return Source("".join(linecache.getlines(file)))
    except SyntaxError:
        return None


def _place(file: str, line: int | None) -> Place | None:
    return None if line is None else Place(file, line)
