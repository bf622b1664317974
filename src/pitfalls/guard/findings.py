"""Findings: what the guard found, in a form that people, programs and code hosts can read.

A report is a sequence of findings, so ``if report:`` asks whether there are any
and ``for finding in report`` walks them. Its dictionary form is the object that
``pitfalls check --json`` prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, overload

RULES = {
    "aliased-batch": "A batch changed after it was yielded.",
    "refilled-sample": "A sample changed before the batch that it belongs to was collated.",
    "broadcast-loss": "Labels and predictions of different shapes meet in a loss or a metric.",
    "declared-shape": "A model's real output contradicts the shape it declares.",
    "unstable-batch": "A shape (but for the first axis) or a dtype changes between batches.",
    "not-thread-safe": "Several workers pull one generator without a lock.",
}


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return str(error).strip().split("\n")[0] or "no message"


class GuardError(Exception):
    """The guard could not check, and says why; the command ends with status 2."""


class AliasedBatchError(RuntimeError):
    """A generator changed a batch that it had already handed out, or a data set a sample."""

    def __init__(self, finding: Finding | str) -> None:
        """Keep the finding, and say what it says.

        An error of a DataLoader's worker is made again from its text, with the traceback in it.
        """
        text = finding if isinstance(finding, str) else finding.text
        super().__init__(text)
        self.finding = Finding("aliased-batch", "", 0, text, "") if isinstance(finding, str) else finding


class AliasedBatchWarning(RuntimeWarning):
    """The same news, for ``watch(..., on_alias="warn")``."""


class BroadcastLossError(ValueError):
    """Labels and predictions of different shapes would be broadcast against each other."""


class FindingRecord(TypedDict):
    """A finding as JSON."""

    rule: str
    array: str
    batch: int
    message: str
    fix: str
    repaired: bool


class _EveryReportRecord(TypedDict):
    """What every report as JSON holds; ``status`` is ``clean``, ``findings`` or ``error``."""

    target: str
    status: str
    findings: list[FindingRecord]
    not_checked: list[str]


class ReportRecord(_EveryReportRecord, total=False):
    """A report as JSON: it holds an error if its status says so, and only then."""

    error: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        rule: A key of ``RULES``.
        array: The path in the batch, for example ``inputs``, ``inputs[1]``, ``inputs['a']``, ``labels``.
        batch: Which batch it was seen on, counted from 0.
        message: What was seen, and what it costs.
        fix: What to do.
        file: The source file concerned, where it is known.
        line: The line in it.
        repaired: Whether the framework undoes the harm on this path.
    """

    rule: str
    array: str
    batch: int
    message: str
    fix: str
    file: str | None = None
    line: int | None = None
    repaired: bool = False

    @property
    def text(self) -> str:
        """The message and the fix, as an error prints them."""
        return f"{self.message}\n{self.fix}"

    def to_dict(self) -> FindingRecord:
        """Return the six keys that other programs rely on."""
        return {
            "rule": self.rule,
            "array": self.array,
            "batch": self.batch,
            "message": self.message,
            "fix": self.fix,
            "repaired": self.repaired,
        }


@dataclass(frozen=True)
class Report(Sequence[Finding]):
    """All that was found on one target, and what could not be looked at."""

    target: str
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[str, ...] = ()
    batches: int = field(default=0, compare=False)

    @property
    def status(self) -> str:
        """``clean`` or ``findings``; what is repaired counts as clean, and an error never becomes a report."""
        return "findings" if any(not finding.repaired for finding in self.findings) else "clean"

    @property
    def text(self) -> str:
        """Every finding as an error prints it, a blank line between two."""
        return "\n\n".join(finding.text for finding in self.findings)

    def without(self, ignored: Sequence[str]) -> Report:
        """Return the report less the findings of some rules."""
        kept = tuple(finding for finding in self.findings if finding.rule not in ignored)
        return Report(self.target, kept, self.not_checked, self.batches)

    def to_dict(self) -> ReportRecord:
        """Return the object that ``pitfalls check --json`` prints."""
        return {
            "target": self.target,
            "status": self.status,
            "findings": [finding.to_dict() for finding in self.findings],
            "not_checked": list(self.not_checked),
        }

    def __len__(self) -> int:
        """Return the number of findings: an empty report is false."""
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        """Walk the findings in the order they were made."""
        return iter(self.findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Finding]: ...
    def __getitem__(self, index: int | slice) -> Finding | Sequence[Finding]:
        """Return one finding, or several."""
        return self.findings[index]
