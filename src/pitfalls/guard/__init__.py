"""The guard: catches aliased batches and broadcast losses in anybody's code.

Importing it needs NumPy alone. What needs Keras is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pitfalls.guard.findings import (
    RULES,
    AliasedBatchError,
    AliasedBatchWarning,
    BroadcastLossError,
    Finding,
    GuardError,
    Report,
)
from pitfalls.guard.rules.checking import check
from pitfalls.guard.rules.watching import watch

if TYPE_CHECKING:
    from pitfalls.guard.shapes.models import check_model
    from pitfalls.guard.shapes.refusing import ShapeGuard, aligned, no_broadcast

__all__ = [
    "RULES",
    "AliasedBatchError",
    "AliasedBatchWarning",
    "BroadcastLossError",
    "Finding",
    "GuardError",
    "Report",
    "ShapeGuard",
    "aligned",
    "check",
    "check_model",
    "no_broadcast",
    "watch",
]

_NEEDS_KERAS = {
    "ShapeGuard": "shapes.refusing",
    "aligned": "shapes.refusing",
    "check_model": "shapes.models",
    "no_broadcast": "shapes.refusing",
}


def __getattr__(name: str) -> Any:
    """Load what needs Keras on first use."""
    if name not in _NEEDS_KERAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_NEEDS_KERAS[name]}"), name)
    except ModuleNotFoundError as error:
        raise GuardError(f"guard.{name} needs Keras: there is no module {error.name}.") from error
