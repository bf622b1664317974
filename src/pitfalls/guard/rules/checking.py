"""Checking: reads a source of batches to a limit and reports all that is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pitfalls.guard.findings import GuardError, Report
from pitfalls.guard.rules import threads
from pitfalls.guard.rules.aliasing import depth_of
from pitfalls.guard.rules.reading import Reading


def check(
    target: Any,
    *,
    batches: int | None = None,
    depth: int | None = None,
    seconds: float | None = None,
    strict: bool = False,
    ignore: Sequence[str] = (),
    name: str | None = None,
    observe: Callable[[Reading], None] | None = None,
) -> Report:
    """Pull batches from a source and report what is wrong with them.

    The source is used up: give it a fresh one. Whole batches are copied and compared.

    Args:
        target: A generator, an iterator, an iterable of batches, a ``PyDataset``, a ``tf.data.Dataset``, or a
            function without arguments that returns one.
        batches: How many batches to read. By default 32, or three times ``depth``, and more as long as that
            takes no time; up to ten seconds more where slices of a larger array are yielded and the code also
            writes to it, as an in-place shuffle between epochs shows only at the end of one.
        depth: How many batches a consumer may hold at a time; 10, or for a ``PyDataset`` what its queue and
            workers hold.
        seconds: When to stop, looked at between two batches.
        strict: Make yielded memory read-only, and report any write to it with its line.
        ignore: Rules whose findings are left out.
        name: What the report calls the target.
        observe: Called before each batch is pulled, for whoever must know how far it came.

    Returns:
        A report; it is false when nothing was found.

    Raises:
        GuardError: The target is no source of batches, or failed before enough was seen.
    """
    if any(number is not None and number < 1 for number in (batches, depth)):
        raise GuardError(f"batches and depth start at 1; here they are {batches} and {depth}.")
    source = target() if callable(target) and not hasattr(target, "__iter__") else target
    reading = Reading(source, batches, depth or depth_of(source), strict)
    reading.observe = observe or reading.observe
    reading.run(time.monotonic() + seconds if seconds else None)
    findings = [*reading.findings(), *threads.findings_of(source)]
    title = name or getattr(target, "__name__", None) or type(target).__name__
    return Report(title, tuple(findings), tuple(reading.not_checked), reading.seen).without(ignore)
