"""Results: what a check came to, as JSON and as text; an error is one too."""

from __future__ import annotations

import json
from typing import NamedTuple

from pitfalls.guard.findings import FindingRecord, Report, ReportRecord

STATUS = {"clean": 0, "findings": 1, "error": 2}
Position = tuple[str | None, int | None]
"""The file and the line of a finding, as far as they are known."""


class Result(NamedTuple):
    """A report, or the error in its place, and where in the source each finding is."""

    report: ReportRecord
    positions: list[Position]

    @property
    def exit_status(self) -> int:
        """0: nothing found, or only what is repaired; 1: findings; 2: it could not check."""
        return STATUS[self.report["status"]]


def result_of(report: Report, fail_on: str | None = None) -> Result:
    """Return the result that a report is; with ``fail_on="repaired"`` a repaired finding is one like the others."""
    record = report.to_dict()
    if fail_on and report:
        record["status"] = "findings"
    return Result(record, [(finding.file, finding.line) for finding in report])


def failure(target: str, message: str) -> Result:
    """Return the result of a target that could not be checked."""
    report: ReportRecord = {
        "target": target,
        "status": "error",
        "findings": [],
        "not_checked": [message],
        "error": message,
    }
    return Result(report, [])


def as_json(report: ReportRecord) -> str:
    """Return one JSON object."""
    return json.dumps(report, indent=2)


def printable(text: str) -> str:
    """Return a text without control characters, which a terminal would obey: each is shown by its escape."""
    return "".join(
        letter if letter in "\n\t" or letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def as_text(report: ReportRecord) -> str:
    """Return the findings, how many they are, and what was not checked; or the error. A terminal may show it."""
    return printable(_text_of(report))


def _text_of(report: ReportRecord) -> str:
    if report["status"] == "error":
        return f"pitfalls: {report['target']}: {report['error']}"
    blocks = [f"{_heading(f)}: {f['message']}\n{f['fix']}\n" for f in report["findings"]]
    notes = [f"  not checked: {note}" for note in report["not_checked"]]
    return "\n".join([*blocks, f"{report['target']}: {_count(report)}", *notes])


def _heading(finding: FindingRecord) -> str:
    """Return the rule, and that it is only a note if the framework repairs what was found."""
    return f"note ({finding['rule']}, repaired)" if finding["repaired"] else finding["rule"]


def _count(report: ReportRecord) -> str:
    """Return how many findings there are, and how many notes on what is repaired."""
    notes = sum(finding["repaired"] for finding in report["findings"])
    findings = len(report["findings"]) - notes
    found = _number(findings, "finding") if findings else "nothing found"
    return f"{found}, {_number(notes, 'note')}" if notes else found


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count > 1 else ''}"
