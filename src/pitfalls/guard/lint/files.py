"""Files: which ones a path means, without what .gitignore leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pitfalls.guard.findings import GuardError

ENDINGS = (".py", ".ipynb")
NEVER = {
    ".git",
    ".hg",
    ".svn",
    "__pycache__",
    "node_modules",
    ".ipynb_checkpoints",
    ".tox",
    ".nox",
    ".mypy_cache",
}


@dataclass(frozen=True)
class Pattern:
    """One line of a .gitignore.

    Attributes:
        matches: Matches the path below the file's folder.
        keeps: Whether the line takes back what an earlier one ignored.
        folders: Whether it is for folders alone.
    """

    matches: re.Pattern[str]
    keeps: bool
    folders: bool


@dataclass
class Ignoring:
    """The patterns that hold in a folder, with the folder that each belongs to."""

    levels: list[tuple[str, list[Pattern]]] = field(default_factory=list)

    def below(self, folder: str) -> Ignoring:
        """Return what holds in a folder, whose own .gitignore is added."""
        file = Path(folder, ".gitignore")
        if not file.is_file():
            return self
        own = os.path.abspath(folder)
        return Ignoring(
            [*self.levels, (own, patterns_of(file.read_text(encoding="utf-8", errors="replace")))]
        )

    def ignores(self, path: str, is_folder: bool) -> bool:
        """Tell whether a path is ignored: the last line that matches it decides."""
        ignored = False
        for folder, patterns in self.levels:
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            for pattern in patterns:
                if (is_folder or not pattern.folders) and pattern.matches.fullmatch(inside):
                    ignored = not pattern.keeps
        return ignored


def patterns_of(text: str) -> list[Pattern]:
    """Return the patterns of a .gitignore."""
    lines = [line.rstrip() for line in text.splitlines()]
    return [_pattern(line) for line in lines if line and not line.startswith("#")]


def _pattern(line: str) -> Pattern:
    keeps, folders = line.startswith("!"), line.endswith("/")
    body = line.removeprefix("!").removeprefix("\\").rstrip("/")
    anchored = "/" in body
    return Pattern(_compiled(body.lstrip("/"), anchored), keeps, folders)


@lru_cache(maxsize=1024)
def _compiled(body: str, anchored: bool) -> re.Pattern[str]:
    """Translate a pattern of Git's into a regular expression."""
    parts = re.split(r"(\*\*/|/\*\*|\*|\?|\[[^\]]*\])", body)
    known = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(known.get(part) or (_set(part) if part[:1] == "[" else re.escape(part)) for part in parts)
    return re.compile(text if anchored else f"(?:.*/)?{text}")


def _set(part: str) -> str:
    return "[^" + part[2:] if part.startswith("[!") else part


def files_in(paths: list[str], excluded: list[str]) -> list[str]:
    """Return the Python files and notebooks that paths mean, each once, in the order of their names.

    Args:
        paths: Files, which are taken whatever their name, and folders.
        excluded: More patterns, as in a .gitignore, below the current folder.

    Raises:
        GuardError: There is no such path.
    """
    found: dict[str, None] = {}
    start = Ignoring([(os.getcwd(), [_pattern(line) for line in excluded])] if excluded else [])
    for path in paths:
        if os.path.isdir(path):
            found |= dict.fromkeys(_walk(path, _above(path, start)))
        elif os.path.isfile(path):
            found[path] = None
        else:
            raise GuardError(f"There is no file or folder {path}.")
    return list(found)


def _above(path: str, ignoring: Ignoring) -> Ignoring:
    """Return what the folders above a path ignore, up to the root of its repository."""
    folder = Path(path).resolve()
    above = [item for item in (folder, *folder.parents) if (item / ".git").exists()][:1]
    for root in above:
        between = [item for item in reversed(folder.parents) if item == root or root in item.parents]
        for item in between:
            ignoring = ignoring.below(str(item))
    return ignoring


def _walk(folder: str, ignoring: Ignoring) -> Iterator[str]:
    ignoring = ignoring.below(folder)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            skipped = entry.name in NEVER or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
            if not skipped and not _ignored(ignoring, entry.path, True):
                yield from _walk(entry.path, ignoring)
        elif entry.name.endswith(ENDINGS) and entry.is_file() and not _ignored(ignoring, entry.path, False):
            yield entry.path


def _ignored(ignoring: Ignoring, path: str, is_folder: bool) -> bool:
    return bool(ignoring.levels) and ignoring.ignores(os.path.abspath(path), is_folder)
