"""Checking: reads a source of batches to a limit and reports all that is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pitfalls.guard.findings import Finding, GuardError, Report
from pitfalls.guard.rules import threads
from pitfalls.guard.rules.aliasing import depth_of
from pitfalls.guard.rules.dispatch import Dispatch, uses_jax
from pitfalls.guard.rules.reading import Reading
from pitfalls.guard.rules.samples import Samples
from pitfalls.guard.rules.stability import Stability
from pitfalls.guard.stream.loaders import InProcess
from pitfalls.guard.stream.streams import is_torch_dataset, is_torch_loader


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
        target: A generator, an iterator, an iterable of batches, a ``PyDataset``, a ``tf.data.Dataset``, a
            ``DataLoader`` or a data set of PyTorch, or a function without arguments that returns one. A
            loader's batches are made in this process, whatever its workers, and the samples that go into
            one batch are compared too; of a data set by itself, ``depth`` samples at a time.
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
    title = name or getattr(target, "__name__", None) or type(target).__name__
    deadline = time.monotonic() + seconds if seconds else None
    depth = depth or depth_of(source)
    if is_torch_loader(source) or is_torch_dataset(source):
        source = InProcess(source, depth)
    reading = Reading(source, batches, depth, strict)
    reading.observe = observe or reading.observe
    read = _read_loader if isinstance(source, InProcess) else _read
    findings, notes = read(source, reading, deadline)
    return Report(title, tuple(findings), tuple(notes), reading.seen).without(ignore)


def _read(source: Any, reading: Reading, deadline: float | None) -> tuple[list[Finding], list[str]]:
    """Return what is wrong with a source's batches, and what could not be looked at."""
    if not uses_jax():
        reading.run(deadline)
        return [*reading.findings(), *threads.findings_of(source)], reading.not_checked
    dispatch = Dispatch()
    reading.stream = dispatch.through(reading.stream)
    reading.run(deadline)
    findings = reading.findings()
    late = [] if reading.aliasing.changes else dispatch.findings()
    return [*findings, *late, *threads.findings_of(source)], [*reading.not_checked, *dispatch.not_checked()]


def _read_loader(
    source: InProcess, reading: Reading, deadline: float | None
) -> tuple[list[Finding], list[str]]:
    """Return the same for a DataLoader or a data set of PyTorch, whose samples are looked at too.

    Batches of any shape are right there: PyTorch takes no form from the first one.
    """
    samples = Samples(source)
    reading.detectors = [rule for rule in reading.detectors if not isinstance(rule, Stability)]
    reading.run(deadline)
    return [*reading.findings(), *samples.found.values()], reading.not_checked
