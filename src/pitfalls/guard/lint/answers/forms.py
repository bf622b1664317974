"""Forms: a report as text, as JSON, as annotations of GitHub."""

from __future__ import annotations

import json

from pitfalls.guard.lint.answers.report import Report
from pitfalls.guard.lint.answers.sarif import sarif_of
from pitfalls.guard.lint.findings import Finding


def as_text(report: Report, pedantic: bool) -> str:
    """Return the findings as people read them, and a last line that counts."""
    blocks = [_block(finding) for finding in report.findings]
    notes = [f"passed over  {item.file}: {item.passed_over}" for item in report.passed_over]
    if pedantic:
        notes += [f"cannot tell  {item.file}: {why}" for item in report.results for why in item.cannot_tell]
    return "\n".join([*blocks, *notes, _counted(report)])


def _block(finding: Finding) -> str:
    rows = [
        ("allocated", finding.allocated.text),
        ("written", finding.written.text),
        ("handed over", finding.handed_over.text),
        ("consumer", finding.consumer.text if finding.consumer else ""),
        ("bites", finding.bites),
        ("confidence", finding.confidence),
        ("proof", finding.proof if finding.proof != "not run" else ""),
        ("prove it", finding.prove),
    ]
    head = f"{finding.rule}: {finding.function}: {finding.message}"
    return "\n".join([head, *(f"  {name:<12} {text}" for name, text in rows if text), finding.fix, ""])


def _counted(report: Report) -> str:
    """Return how many files and findings there were."""
    count, files = len(report.findings), len(report.results)
    found = f"{count} finding{'s' if count != 1 else ''}" if count else "nothing found"
    known = f", {report.known} known from the baseline" if report.known else ""
    return f"{files} file{'s' if files != 1 else ''}: {found}{known}"


def as_json(report: Report, pedantic: bool) -> str:
    """Return one JSON object."""
    return json.dumps(report.to_dict(), indent=2)


def as_sarif(report: Report, pedantic: bool) -> str:
    """Return a SARIF log."""
    return json.dumps(sarif_of(report), indent=2)


def as_github(report: Report, pedantic: bool) -> str:
    """Return annotations of GitHub, one for each finding."""
    return "\n".join([*(_annotation(finding) for finding in report.findings), _counted(report)])


def _annotation(finding: Finding) -> str:
    where = f"file={_escaped(finding.written.file, ',:')},line={finding.written.line}"
    lines = f"allocated: {finding.allocated.text}\nhanded over: {finding.handed_over.text}\n{finding.fix}"
    text = _escaped(f"{finding.message}\n{lines}", "")
    return f"::error {where},title=pitfalls {finding.rule}::{text}"


def _escaped(text: str, more: str) -> str:
    """Escape what GitHub's commands give a meaning to."""
    for letter in ("%", "\r", "\n", *more):
        text = text.replace(letter, f"%{ord(letter):02X}")
    return text


FORMS = {"text": as_text, "json": as_json, "sarif": as_sarif, "github": as_github}
"""The values of ``--format``."""
