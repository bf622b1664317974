"""Messages: what is said about labels and predictions that meet in different shapes."""

from __future__ import annotations

from pitfalls.guard.shapes.meetings import Meeting

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
