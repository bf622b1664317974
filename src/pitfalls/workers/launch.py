"""Launching: what a launcher of this machine needs to know of it, and of a framework."""

import os

FORKED = ("tensorflow", "torch")
"""Frameworks that may be imported before a process forks: their imports take seconds, and start no thread. JAX's does."""


def workers_here() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def preloaded_for(framework: str, is_tracked: bool) -> list[str]:
    """Return what workers of a framework share: the framework, and modules of ours."""
    if framework not in FORKED:
        return []
    return [framework, "pitfalls.stages.train", *(["pitfalls.tracking"] if is_tracked else [])]
