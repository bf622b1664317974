"""Sources: reads Python out of a file or a notebook, and as much of it as can be parsed.

Much public code is not a module of today's Python: notebooks with ``%magics``, scripts of Python 2,
files with a stray line. Each top-level part is parsed by itself, on its own lines.
"""

from __future__ import annotations

import ast
import json
import linecache
import re
import tokenize
from collections.abc import Iterator
from typing import Any, NamedTuple

from pitfalls.guard.command.python2 import modernized, repaired
from pitfalls.guard.findings import GuardError

ENDINGS = (".py", ".ipynb")
MAGIC = re.compile(r"^(\s*)(?:[%!?]|\w+\s*=\s*[%!]).*$")
CONTINUING = re.compile(r"^(?:\s|[)\]}]|(?:else|elif|except|finally)\b|$|#)")
DEFINED = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
MOST_JOINED = 40


class Unparsed(NamedTuple):
    """A part of a file that is no Python of today."""

    line: int
    message: str
    names: list[str]


def text_of(file: str) -> str:
    """Return a file's Python, whatever its encoding; of a notebook its code, on the lines where the file has it.

    What a notebook has for IPython or a shell is replaced by statements that do nothing.

    Raises:
        GuardError: It cannot be read.
    """
    text = _read(file)
    if not file.endswith(".ipynb"):
        return text
    try:
        cells = json.loads(text)["cells"]
        code = [_lines_of(cell) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GuardError(f"{file} is no notebook of format 4: it has no list of cells.") from error
    source = runnable("\n".join(_placed(text.split("\n"), [line for cell in code for line in cell])))
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return source


def runnable(source: str) -> str:
    """Return a text with each line for IPython or a shell replaced by a statement that does nothing."""
    return "\n".join(MAGIC.sub(r"\1pass", line) for line in source.split("\n"))


def parsed(source: str, file: str) -> tuple[ast.Module, list[Unparsed]]:
    """Return the syntax of all parts of a file that parse, and what does not."""
    try:
        return ast.parse(source, file), []
    except (SyntaxError, ValueError):
        body: list[ast.stmt] = []
        unparsed: list[Unparsed] = []
        is_old = False
        for line, part, found in _parts(runnable(source), file):
            is_old = is_old or part.old
            body += part.body
            unparsed += [Unparsed(line, found, DEFINED.findall(part.text))] if found else []
        tree = ast.Module(body, [])
        return (modernized(tree) if is_old else tree), unparsed


class Part(NamedTuple):
    """A top-level part of a file: its text, its statements, and whether it was of Python 2."""

    text: str
    body: list[ast.stmt]
    old: bool


def _parts(source: str, file: str) -> Iterator[tuple[int, Part, str | None]]:
    """Yield each part with its first line, and why it does not parse if it does not."""
    blocks = list(_blocks(source.split("\n")))
    while blocks:
        count, part, message = _longest(blocks, file)
        yield blocks[0][0], part, message
        del blocks[:count]


def _longest(blocks: list[tuple[int, str]], file: str) -> tuple[int, Part, str | None]:
    """Parse the first block, with as many of those behind it as it takes: a text may span several lines."""
    message = "it does not parse"
    for count in range(1, min(len(blocks), MOST_JOINED) + 1):
        text = "\n".join(block for _, block in blocks[:count])
        for version in dict.fromkeys((text, repaired(text))):
            try:
                tree = ast.parse(version, file)
            except (SyntaxError, ValueError) as error:
                message = getattr(error, "msg", str(error)) if count == 1 else message
                continue
            ast.increment_lineno(tree, blocks[0][0] - 1)
            return count, Part(text, tree.body, version != text), None
    return 1, Part(blocks[0][1], [], False), message


def _blocks(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield each run of lines that begins at the margin, with the number of its first line."""
    start, decorated = 0, False
    for index, line in enumerate(lines):
        if index and not CONTINUING.match(line):
            if not decorated:
                yield start + 1, "\n".join(lines[start:index])
                start = index
            decorated = False
        decorated = decorated or line.startswith("@")
    yield start + 1, "\n".join(lines[start:])


def _read(file: str) -> str:
    try:
        with tokenize.open(file) as source:
            return source.read()
    except (SyntaxError, UnicodeDecodeError):
        with open(file, encoding="latin-1") as source:
            return source.read()
    except OSError as error:
        raise GuardError(f"{file} cannot be read: {error.strerror}.") from error


def _lines_of(cell: dict[str, Any]) -> list[str]:
    """Return a cell's lines; a cell that is all for a shell or another language has none."""
    source = cell.get("source", [])
    text = source if isinstance(source, str) else "".join(source)
    return [] if text.lstrip().startswith("%%") else [*text.split("\n"), ""]


def _placed(raw: list[str], code: list[str]) -> list[str]:
    """Return lines of code on the lines of the notebook's file where they stand, or one after the other."""
    placed, at = [""] * len(raw), 0
    wanted = [line for line in code if line.strip()]
    for line in wanted:
        forms = {
            json.dumps(text, ensure_ascii=ascii)[1:-1]
            for text in (line, line + "\n")
            for ascii in (True, False)
        }
        at = next((i for i in range(at, len(raw)) if raw[i].strip().rstrip(",")[1:-1] in forms), -1) + 1
        if not at:
            return code
        placed[at - 1] = line
    return placed
