"""The guard: catches aliased batches and broadcast losses in anybody's code."""

from pitfalls.guard.checking import check
from pitfalls.guard.findings import (
    AliasedBatchError,
    AliasedBatchWarning,
    BroadcastLossError,
    Finding,
    GuardError,
    Report,
)
from pitfalls.guard.watching import watch

__all__ = [
    "AliasedBatchError",
    "AliasedBatchWarning",
    "BroadcastLossError",
    "Finding",
    "GuardError",
    "Report",
    "check",
    "watch",
]
