"""Report: what one run of the linter found, in the order of the files."""

from __future__ import annotations

from dataclasses import dataclass

from pitfalls.guard.lint.findings import FileResult, Finding, ReportRecord


@dataclass(frozen=True)
class Report:
    """All findings, and what could not be looked at."""

    results: tuple[FileResult, ...]
    findings: tuple[Finding, ...]
    known: int = 0

    @property
    def passed_over(self) -> list[FileResult]:
        """The files that were not read."""
        return [result for result in self.results if result.passed_over]

    @property
    def exit_status(self) -> int:
        """0: nothing found; 1: findings; 2: not one file could be read."""
        if self.findings:
            return 1
        return 2 if self.results and len(self.passed_over) == len(self.results) else 0

    def to_dict(self) -> ReportRecord:
        """Return the object that ``--format json`` prints."""
        return {
            "files": len(self.results),
            "passed_over": [{"file": item.file, "reason": item.passed_over} for item in self.passed_over],
            "findings": [finding.to_dict() for finding in self.findings],
            "cannot_tell": [
                {"file": item.file, "reason": reason} for item in self.results for reason in item.cannot_tell
            ],
        }
