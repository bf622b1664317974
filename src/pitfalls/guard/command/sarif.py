"""SARIF: the form in which code hosts take findings (version 2.1.0)."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from pitfalls.guard.command.results import Result
from pitfalls.guard.findings import RULES, FindingRecord, GuardError
from pitfalls.guard.lint.answers.sarif import Sarif, log_of


def sarif_of(result: Result) -> Sarif:
    """Return one run of the guard as a SARIF log."""
    report = result.report
    rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in RULES.items()]
    results = [
        _result(finding, file or _file_of(report["target"]), line)
        for finding, (file, line) in zip(report["findings"], result.positions, strict=True)
    ]
    error = report.get("error")
    notes: list[Sarif] = [{"level": "error", "message": {"text": error}}] if error else []
    return log_of(rules, results, report["status"] != "error", notes)


def _result(finding: FindingRecord, file: str, line: int | None) -> Sarif:
    return {
        "ruleId": finding["rule"],
        "ruleIndex": list(RULES).index(finding["rule"]),
        "level": "note" if finding["repaired"] else "error",
        "message": {"text": f"{finding['message']}\n{finding['fix']}"},
        "locations": [_location(file, line)],
        "properties": {"array": finding["array"], "batch": finding["batch"]},
    }


def _file_of(target: str) -> str:
    """Return the file of a target, for a finding without a line of its own."""
    place = target.split(":")[0].split(" ")[0]
    return place if place.endswith(".py") else place.replace(".", "/") + ".py"


def _location(file: str, line: int | None) -> Sarif:
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    uri = path.as_uri() if path.is_absolute() else path.as_posix()
    region = {"region": {"startLine": line}} if line else {}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, **region}}


def write_whole(file: str, content: Sarif) -> None:
    """Write a file under another name first, so that nobody ever reads half of it.

    Raises:
        GuardError: It cannot be written there.
    """
    path = Path(file)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(content, indent=2) + "\n")
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise GuardError(f"{path} cannot be written: {error.strerror}.") from error
