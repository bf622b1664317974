"""Messages: what is said about labels and predictions that meet in different shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pitfalls.guard.findings import Finding
from pitfalls.guard.shapes.meeting import Meeting, Shape, is_named

DeclaredShape = tuple[int | None, ...]

UNREPAIRED = "a Loss subclass, a metric function, compute_loss or a hand-written step"


def broadcast_message(meeting: Meeting) -> str:
    """Say what meets what, and what it costs."""
    every = len(meeting.label) != len(meeting.prediction)
    one, many = _words(meeting)
    what = f"subtract every {one} from every prediction" if every else f"broadcast {many} against predictions"
    if one != "label":
        what = f"broadcast {many} against what the model makes of its inputs"
    head = f"this {_kind(meeting)} would {what}."
    return _told(head, _kind(meeting), meeting, "  repaired    no: nothing aligns the shapes on this path")


def repaired_message(meeting: Meeting) -> str:
    """Say what would meet what, were it not for the repair."""
    head = "labels and predictions differ in rank, and Keras repairs it here."
    return _told(head, _kind(meeting), meeting, f"  repaired    yes on this path; not in {UNREPAIRED}")


def refusal_message(meeting: Meeting) -> str:
    """Say why a loss was not computed at all."""
    head = "this loss refuses labels and predictions of different shapes."
    return _told(head, "loss", meeting, fix_for(meeting))


def fix_for(meeting: Meeting) -> str:
    """Say what to change."""
    one, many = _words(meeting)
    if len(meeting.label) == len(meeting.prediction) - 1:
        name = {"label": "y", "sample weight": "w"}.get(one, "x")
        return f"Give the {many} a last axis, for example {name}[:, None], before they reach the loss."
    if len(meeting.label) == len(meeting.prediction) + 1:
        return "Give the prediction its last axis back: the model drops it, as in a Lambda or a squeeze."
    name = meeting.name
    return f"Give {many} and predictions one shape; if this broadcast is meant, name it: allow=[{name!r}]."


def _told(head: str, kind: str, meeting: Meeting, last: str) -> str:
    at = f", {meeting.place.text}" if meeting.place else ""
    count = f"{meeting.averaged} errors averaged where {meeting.meant} are meant"
    lines = [
        head,
        f"  {kind:<11} {meeting.name}{at}",
        f"  {_words(meeting)[0]:<11} {meeting.label}",
        f"  prediction  {meeting.prediction}",
        f"  difference  {meeting.result}: {count}",
        last,
    ]
    return "\n".join(lines)


def _words(meeting: Meeting) -> tuple[str, str]:
    """Return what meets the predictions, one and many: not everything that does is a label."""
    if meeting.both_predicted:
        return "target", "targets that the model computes itself"
    if meeting.path.startswith("sample_weight"):
        return "sample weight", "sample weights"
    return ("input", "inputs") if meeting.path.startswith("inputs") else ("label", "labels")


def _kind(meeting: Meeting) -> str:
    return "metric" if meeting.in_metric else "loss"


def broadcast_findings(meetings: Sequence[Meeting], allow: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each loss or metric, the first meeting of each."""
    seen = set()
    for meeting in sorted(meetings, key=lambda m: m.repaired):
        key = (meeting.name, meeting.path, meeting.place, meeting.in_metric)
        if key not in seen and not any(is_named(meeting, name) for name in allow):
            seen.add(key)
            yield _finding(meeting)


def _finding(meeting: Meeting) -> Finding:
    message = repaired_message(meeting) if meeting.repaired else broadcast_message(meeting)
    file, line = meeting.place or (None, None)
    return Finding("broadcast-loss", meeting.path, 0, message, fix_for(meeting), file, line, meeting.repaired)


def declared_message(declared: DeclaredShape, computed: Shape, predicted: Shape | None) -> str:
    """Say which shape is declared, and which is computed and predicted."""
    lines = [
        "the model declares another output shape than it computes.",
        f"  declared    {declared}",
        f"  computed    {computed}",
        f"  predict     {computed if predicted is None else predicted}",
        "  costs       whatever trusts the declared shape, and a loss that broadcasts",
    ]
    return "\n".join(lines)
