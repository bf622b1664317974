"""Dispatch: finds batches of JAX arrays that are copied from a buffer only after it was refilled.

JAX queues its work, and `jnp.array(x)` may be part of it: on a device that still computes, the copy
is made later, of what the buffer holds by then. So the device is kept busy while two batches are made. If
both then hold the second one's values, though batches differ when nothing is busy, the first was copied too late.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from typing import Any

from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.biting import JAX_FIXES
from pitfalls.guard.stream import tensors
from pitfalls.guard.stream.batches import named_leaves
from pitfalls.guard.stream.contents import Contents, changed_values, contents_of
from pitfalls.guard.stream.memory import describe_memory

IDLE_BATCHES = 4
TRIALS = 3
SIDE = 1500
BUSY_FACTOR, BUSY_SECONDS, MOST_BUSY_SECONDS = 4.0, 0.1, 1.0
OTHER_ADDRESSES = (
    "Other addresses: JAX copies at once from a NumPy array that is not on a 64-byte boundary, and where "
    "an array begins differs from run to run."
)


def uses_jax() -> bool:
    """Tell whether this program has imported JAX, whole."""
    return hasattr(sys.modules.get("jax"), "numpy")


class Dispatch:
    """Passes batches on, and makes some pairs of them while the device is busy."""

    def __init__(self) -> None:
        """Know of no late copy."""
        self.has_jax_arrays = False
        self.differ_when_idle: set[str] = set()
        self.same_when_busy: dict[str, int] = {}
        self.last: dict[str, Contents] = {}
        self.suspect: Any = None

    def through(self, stream: Iterator[Any]) -> Iterator[Any]:
        """Yield a stream's batches, all of them and in order."""
        started = time.monotonic()
        try:
            for batch in itertools.islice(stream, IDLE_BATCHES):
                self._note_idle(batch)
                yield batch
            idle_seconds = (time.monotonic() - started) / IDLE_BATCHES
            for _ in range(TRIALS if self.differ_when_idle else 0):
                yield from self._made_while_busy(stream, idle_seconds)
            yield from stream
        finally:
            getattr(stream, "close", lambda: None)()

    def findings(self) -> list[Finding]:
        """Return a finding for each array that was copied too late in every trial."""
        return [
            _finding(path, self.suspect)
            for path, count in self.same_when_busy.items()
            if count == TRIALS and path in self.differ_when_idle
        ]

    def not_checked(self) -> list[str]:
        """Say what these batches cannot show."""
        return [OTHER_ADDRESSES] if self.has_jax_arrays else []

    def _note_idle(self, batch: Any) -> None:
        contents = self._contents_of(batch)
        for path, array in contents.items():
            self.has_jax_arrays = True
            if path in self.last and _differ(self.last[path], array):
                self.differ_when_idle.add(path)
        self.last = {path: contents_of(array) for path, array in contents.items()}

    def _made_while_busy(self, stream: Iterator[Any], idle_seconds: float) -> Iterator[Any]:
        busy = _busy_device(min(max(BUSY_FACTOR * idle_seconds, BUSY_SECONDS), MOST_BUSY_SECONDS))
        pair = list(itertools.islice(stream, 2))
        busy.block_until_ready()
        if len(pair) == 2:
            first, second = (self._contents_of(batch) for batch in pair)
            for path in first.keys() & second.keys():
                if not _differ(contents_of(first[path]), second[path]):
                    self.same_when_busy[path] = self.same_when_busy.get(path, 0) + 1
                    self.suspect = dict(named_leaves(pair[0]))[path]
        yield from pair

    def _contents_of(self, batch: Any) -> dict[str, Any]:
        leaves = named_leaves(batch)
        return {path: tensors.array_of(leaf) for path, leaf in leaves if tensors.kind_of(leaf) == tensors.JAX}


def _differ(before: Contents, now: Any) -> bool:
    return changed_values(before, now) > 0


def _busy_device(seconds: float) -> Any:
    """Start work that keeps the device busy for about so long, and return what is computed."""
    jnp = sys.modules["jax"].numpy
    matrix = jnp.full((SIDE, SIDE), 1 / SIDE, "float32")
    started = time.monotonic()
    (matrix @ matrix).block_until_ready()
    once = max(time.monotonic() - started, 1e-3)
    for _ in range(max(int(seconds / once), 1)):
        matrix = matrix @ matrix
    return matrix


def _finding(path: str, leaf: Any) -> Finding:
    lines = [
        f"{path} became those of the next batch, as they were copied too late.",
        f"  changed     in {TRIALS} of {TRIALS} trials in which the device was still busy when the next batch was made",
        f"  memory      {describe_memory(leaf)}",
        "  bites       a step that still runs: jnp.asarray(x) and jnp.array(x, copy=True) copy a buffer on a",
        "              64-byte boundary when the device comes to it, and it is refilled by then",
    ]
    return Finding("aliased-batch", path, IDLE_BATCHES, "\n".join(lines), JAX_FIXES)
