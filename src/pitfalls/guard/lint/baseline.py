"""Baseline: findings in old code that are known, so that only new ones count."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pitfalls.guard.findings import GuardError
from pitfalls.guard.lint.findings import Finding

Key = tuple[str, str, str, str, str]
"""A finding without line numbers, which move: rule, file, function, array, the line that writes."""


def key_of(finding: Finding, folder: str) -> Key:
    """Return what a finding is known by, wherever in its file it is."""
    file = os.path.relpath(finding.written.file, folder or ".").replace(os.sep, "/")
    return (finding.rule, file, finding.function, finding.array, finding.written.source)


def write_baseline(file: str, findings: Iterable[Finding]) -> None:
    """Write the findings that are known from now on.

    Raises:
        GuardError: The file cannot be written.
    """
    keys = sorted(key_of(finding, os.path.dirname(file)) for finding in findings)
    try:
        Path(file).write_text(json.dumps({"schema": 1, "known": keys}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise GuardError(f"{file} cannot be written: {error.strerror}.") from error


def read_baseline(file: str) -> Counter[Key]:
    """Return how often each finding is known.

    Raises:
        GuardError: The file is not there, or no baseline.
    """
    try:
        known = json.loads(Path(file).read_text(encoding="utf-8"))["known"]
        return Counter((str(a), str(b), str(c), str(d), str(e)) for a, b, c, d, e in known)
    except OSError as error:
        raise GuardError(
            f"{file} cannot be read: {error.strerror}. Make it with --write-baseline."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise GuardError(f"{file} is no baseline. Make it again with --write-baseline.") from error


def new_findings(findings: list[Finding], known: Counter[Key], folder: str) -> list[Finding]:
    """Return the findings that are not known, or occur more often than that."""
    left = Counter(known)
    found = []
    for finding in findings:
        key = key_of(finding, folder)
        if left[key] > 0:
            left[key] -= 1
        else:
            found.append(finding)
    return found
