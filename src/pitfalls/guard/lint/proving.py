"""Proving: runs the command of each finding, and marks the finding by what the guard says."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

from pitfalls.guard.lint.findings import Finding

SECONDS = 60


def prove(findings: list[Finding]) -> list[Finding]:
    """Return the findings with ``proven``, ``disproven`` or ``not run``; this runs the code, in child processes.

    A run proves a finding if the guard reports an aliased batch, and disproves it if the guard reports nothing.
    """
    outcomes: dict[str, str] = {"": "not run"}
    for finding in findings:
        if finding.prove not in outcomes:
            outcomes[finding.prove] = _outcome(finding.prove)
    return [finding.proven(outcomes[finding.prove]) for finding in findings]


def _outcome(command: str) -> str:
    words = shlex.split(command)[1:]
    line = [
        sys.executable,
        "-c",
        "import sys; from pitfalls.guard.command.cli import main; sys.exit(main())",
        *words,
    ]
    try:
        run = subprocess.run(
            [*line, "--json"], capture_output=True, text=True, timeout=SECONDS + 20, check=False
        )
        report = json.loads(run.stdout)
    except (subprocess.TimeoutExpired, ValueError, OSError):
        return "not run"
    if report["status"] == "error":
        return "not run"
    rules = {finding["rule"] for finding in report["findings"]}
    return "proven" if "aliased-batch" in rules else "disproven"
