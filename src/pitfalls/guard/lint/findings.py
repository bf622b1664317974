"""Findings: what the linter says about one file, as records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

from pitfalls.guard.lint.rules.catalogue import BITES, FIXES


class LineRecord(TypedDict):
    """A line of source as JSON."""

    file: str
    line: int
    source: str


class FindingRecord(TypedDict):
    """A finding as JSON."""

    rule: str
    file: str
    line: int
    function: str
    array: str
    allocated: LineRecord
    written: LineRecord
    handed_over: LineRecord
    consumer: LineRecord | None
    confidence: str
    message: str
    fix: str
    prove: str
    proof: str


class PassedOverRecord(TypedDict):
    """A file that was not read, and why."""

    file: str
    reason: str


class ReportRecord(TypedDict):
    """What ``pitfalls lint --format json`` prints."""

    files: int
    passed_over: list[PassedOverRecord]
    findings: list[FindingRecord]
    cannot_tell: list[PassedOverRecord]


@dataclass(frozen=True)
class Line:
    """A line of source, with where its code begins."""

    file: str
    line: int
    source: str
    column: int = 0

    def to_dict(self) -> LineRecord:
        """Return it as JSON."""
        return {"file": self.file, "line": self.line, "source": self.source}

    @property
    def text(self) -> str:
        """The line as people read it: ``train.py:6: images = np.zeros(...)``."""
        return f"{self.file}:{self.line}: {self.source}"


@dataclass(frozen=True)
class Finding:
    """One bug: three lines that together make it, and what to do.

    Attributes:
        rule: A key of the catalogue.
        function: The qualified name of the function that hands the memory out.
        array: What the source calls it.
        allocated: The line that makes it.
        written: The line that writes to it again.
        handed_over: The line that hands it out.
        by: Who holds it: a key of ``BITES``.
        confidence: ``high`` or ``medium``.
        prove: The command that shows it by running.
        consumer: The line that takes what is handed out, where it was seen.
        copied: The handed-out line with a copy in it, where that is a safe edit.
        proof: ``proven``, ``disproven`` or ``not run``.
    """

    rule: str
    function: str
    array: str
    allocated: Line
    written: Line
    handed_over: Line
    by: str
    confidence: str
    prove: str = ""
    consumer: Line | None = None
    copied: tuple[str, ...] = ()
    proof: str = "not run"

    @property
    def message(self) -> str:
        """What happens, in one sentence."""
        what = {
            "refilled-staging": "is written again while a transfer may still read it",
            "late-copy": "is written again before JAX has surely copied it",
            "mutated-source": "is the caller's, and is changed in place"
            if self.by == "argument"
            else "is changed in place, and batches are slices of it",
        }.get(self.rule, "is handed out without a copy and written again afterwards")
        return f"{self.array} {what}."

    @property
    def bites(self) -> str:
        """Who is hurt."""
        return BITES[self.by]

    @property
    def fix(self) -> str:
        """The two ways to repair it."""
        first, second = FIXES[self.rule]
        example = f": {self.copied[0].strip()}" if self.copied else ""
        return f"{first}{example}. Or: {second[0].lower()}{second[1:]}."

    def proven(self, proof: str) -> Finding:
        """Return the finding with what running it has shown."""
        return replace(self, proof=proof)

    def to_dict(self) -> FindingRecord:
        """Return it as JSON."""
        return {
            "rule": self.rule,
            "file": self.written.file,
            "line": self.written.line,
            "function": self.function,
            "array": self.array,
            "allocated": self.allocated.to_dict(),
            "written": self.written.to_dict(),
            "handed_over": self.handed_over.to_dict(),
            "consumer": self.consumer.to_dict() if self.consumer else None,
            "confidence": self.confidence,
            "message": self.message,
            "fix": self.fix,
            "prove": self.prove,
            "proof": self.proof,
        }


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        file: Its path as it was named.
        findings: What was found.
        passed_over: Why it was not read, nothing if it was.
        cannot_tell: Functions that were given up, each with the reason.
    """

    file: str
    findings: tuple[Finding, ...] = ()
    passed_over: str = ""
    cannot_tell: tuple[str, ...] = ()
