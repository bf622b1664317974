"""Deciding: which rule an event breaks, and how sure that is."""

from __future__ import annotations

from pitfalls.guard.lint.paths.machine import Event


def rule_of(event: Event) -> str:
    """Return the rule that an event breaks."""
    by = event.held.by
    if by in ("transfer", "late"):
        return "refilled-staging" if by == "transfer" else "late-copy"
    if by in ("source", "argument") or (event.how == "shuffle" and event.held.region.kind != "whole"):
        return "mutated-source"
    if event.memory.source == "given" and event.held.region.kind != "whole":
        return "mutated-source"
    return "refilled-sample" if by == "sample" else "refilled-batch"


def confidence_of(event: Event) -> str:
    """Return how sure a finding is: high if all three lines are in one function and mean all of the memory."""
    places = {event.memory.place.function, event.place.function, event.held.place.function}
    if event.memory.source == "given" or event.memory.kind != "array":
        return "medium"
    if event.held.region.kind == "ring" or event.held.by in ("late", "transfer"):
        return "medium"
    return "high" if len(places) == 1 or event.memory.name.startswith("self.") else "medium"
