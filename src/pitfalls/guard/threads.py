"""Threads: an unlocked generator behind more than one worker."""

from __future__ import annotations

from typing import Any

from pitfalls.guard.findings import Finding


def findings_of(target: Any) -> list[Finding]:
    """Return a finding for each generator that workers would pull at once."""
    return []
