"""Messages: what is said about labels and predictions that meet in different shapes."""

from __future__ import annotations

from pitfalls.guard.shapes.meetings import Meeting

UNREPAIRED = "a Loss subclass, a metric function, compute_loss or a hand-written step"


def broadcast_message(meeting: Meeting) -> str:
    """Say what meets what, and what it costs."""
    every = len(meeting.label) != len(meeting.prediction)
    what = "subtract every label from every prediction" if every else "broadcast labels against predictions"
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
    if len(meeting.label) == len(meeting.prediction) - 1:
        return "Give the labels a last axis, for example y[:, None], before they reach the loss."
    if len(meeting.label) == len(meeting.prediction) + 1:
        return "Give the prediction its last axis back: the model drops it, as in a Lambda or a squeeze."
    name = meeting.name
    return f"Give labels and predictions one shape; if this broadcast is meant, name it: allow=[{name!r}]."


def _told(head: str, kind: str, meeting: Meeting, last: str) -> str:
    at = f", {meeting.place.text}" if meeting.place else ""
    count = f"{meeting.averaged} errors averaged where {meeting.meant} are meant"
    lines = [
        head,
        f"  {kind:<11} {meeting.name}{at}",
        f"  label       {meeting.label}",
        f"  prediction  {meeting.prediction}",
        f"  difference  {meeting.result}: {count}",
        last,
    ]
    return "\n".join(lines)


def _kind(meeting: Meeting) -> str:
    return "metric" if meeting.in_metric else "loss"
