"""Fixing: the safe edit, handing out a copy, as a diff that ``patch -p0`` or ``git apply -p0`` takes."""

from __future__ import annotations

import difflib
from collections import defaultdict
from pathlib import Path

from pitfalls.guard.lint.findings import Finding


def diff_of(findings: list[Finding]) -> str:
    """Return the edits of all findings that have one; nothing is written."""
    edits: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.copied and finding.handed_over.file.endswith(".py"):
            edits[finding.handed_over.file].append(finding)
    return "".join(_diff_of_file(file, edits[file]) for file in sorted(edits))


def _diff_of_file(file: str, findings: list[Finding]) -> str:
    before = Path(file).read_text(encoding="utf-8").splitlines(keepends=True)
    after = list(before)
    for finding in findings:
        line, number = finding.copied[0], int(finding.copied[1])
        after[number - 1] = merged(before[number - 1], after[number - 1], line)
    return "".join(difflib.unified_diff(before, after, file, file))


def merged(original: str, current: str, edited: str) -> str:
    """Return a line with one more edit: two arrays may be handed out by one line."""
    ending = original[len(original.rstrip("\r\n")) :]
    bare = original.rstrip("\r\n")
    if current == original:
        return edited + ending
    start = next(i for i in range(len(edited)) if bare[i : i + 1] != edited[i])
    added = edited[start : start + len(edited) - len(bare)]
    shift = current.rstrip("\r\n")
    before = difflib.SequenceMatcher(None, bare, shift, autojunk=False).get_opcodes()
    moved = sum(j2 - j1 - (i2 - i1) for tag, i1, i2, j1, j2 in before if tag != "equal" and i1 < start)
    return shift[: start + moved] + added + shift[start + moved :] + ending
