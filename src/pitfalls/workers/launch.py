"""Launching: what a launcher of this machine needs to know of it, and of a framework."""

import os

from pitfalls.lab.frameworks import SESSIONS

FORKED = ("tensorflow",)
"""Frameworks that may be imported before a process forks; TensorFlow's import takes seconds, the others' take one."""


def workers_here() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def preloaded_for(framework: str, is_tracked: bool) -> list[str]:
    """Return the modules that workers of a framework share."""
    if framework not in FORKED:
        return []
    return ["pitfalls.stages.train", SESSIONS[framework], *(["pitfalls.tracking"] if is_tracked else [])]
