"""Scheduling: many files over the machine's cores, with results in the order of the files."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor

from pitfalls.guard.lint.findings import FileResult
from pitfalls.guard.lint.linting import lint_file

FILES_FOR_ONE_PROCESS = 100
"""With fewer files a second process costs more than it saves."""


def lint_files(files: list[str], roots: list[str], processes: int | None = None) -> list[FileResult]:
    """Read files and return what became of each.

    Args:
        files: Their paths.
        roots: Folders that imports may come from.
        processes: How many at once; by default as many as there are cores.
    """
    count = processes or min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 16)
    if count == 1 or len(files) < FILES_FOR_ONE_PROCESS:
        return _several(files, roots)
    size = max(20, min(400, len(files) // (4 * count)))
    parts = [files[start : start + size] for start in range(0, len(files), size)]
    with ProcessPoolExecutor(count) as pool:
        found = pool.map(_several, parts, [roots] * len(parts))
        return [result for part in found for result in part]


def _several(files: list[str], roots: list[str]) -> list[FileResult]:
    return [lint_file(file, roots) for file in files]
