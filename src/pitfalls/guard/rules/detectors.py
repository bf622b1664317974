"""Detectors: what every rule that looks at batches has in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

from pitfalls.guard.findings import Finding

ARRAYS_NAMED = 4


class Detector(Protocol):
    """One rule, which is shown every batch of a source in the order in which they come."""

    def see(self, index: int, batch: Any) -> None:
        """Compare a batch with those before it, and keep what the next ones are compared with."""

    def findings(self) -> list[Finding]:
        """Return what was found so far."""


def few_of_each_part(findings: Iterable[Finding]) -> list[Finding]:
    """Keep the first few findings of each part of a batch: a list of images may have hundreds."""
    kept: list[Finding] = []
    counts: Counter[str] = Counter()
    for finding in findings:
        root = re.split(r"[\[.]", finding.array)[0]
        counts[root] += 1
        if counts[root] <= ARRAYS_NAMED:
            kept.append(finding)
    return kept


def first_of_each_array(findings: Iterable[Finding]) -> list[Finding]:
    """Keep one finding of each rule for an array: a refused write repeats what a changed value says."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        kept.setdefault((finding.rule, finding.array), finding)
    return list(kept.values())
