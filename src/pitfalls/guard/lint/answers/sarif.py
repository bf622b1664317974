"""SARIF: the form in which code hosts take findings (version 2.1.0)."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

from pitfalls.guard.lint.answers.report import Report
from pitfalls.guard.lint.findings import Finding, Line
from pitfalls.guard.lint.rules.catalogue import EXPLANATIONS, RULES

Sarif = dict[str, Any]
"""A log, or a part of one."""

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_of(report: Report) -> Sarif:
    """Return a run of the linter as a SARIF log."""
    rules = [
        {"id": rule, "shortDescription": {"text": text}, "help": {"text": EXPLANATIONS[rule]}}
        for rule, text in RULES.items()
    ]
    notes = [
        {"level": "note", "message": {"text": f"{item.file}: {item.passed_over}"}}
        for item in report.passed_over
    ]
    return log_of(rules, [_result(finding) for finding in report.findings], report.exit_status != 2, notes)


def log_of(rules: list[Sarif], results: list[Sarif], is_successful: bool, notes: list[Sarif]) -> Sarif:
    """Return the log of one run, of the linter or of the guard: what both have alike."""
    run = {
        "tool": {"driver": {"name": "pitfalls", "version": _version(), "rules": rules}},
        "results": results,
        "invocations": [{"executionSuccessful": is_successful, "toolExecutionNotifications": notes}],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding) -> Sarif:
    related = [("allocated", finding.allocated), ("handed over", finding.handed_over)]
    return {
        "ruleId": finding.rule,
        "ruleIndex": list(RULES).index(finding.rule),
        "level": "error" if finding.confidence == "high" else "warning",
        "message": {"text": f"{finding.message}\n{finding.fix}"},
        "locations": [_location(finding.written)],
        "relatedLocations": [{**_location(line), "message": {"text": name}} for name, line in related],
        "properties": {"array": finding.array, "confidence": finding.confidence},
    }


def _location(line: Line) -> Sarif:
    uri = os.path.relpath(line.file).replace(os.sep, "/")
    region = {"startLine": max(line.line, 1), "startColumn": line.column + 1}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def _version() -> str:
    try:
        return metadata.version("pitfalls")
    except metadata.PackageNotFoundError:
        return "0"
