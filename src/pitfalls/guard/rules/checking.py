"""Checking: reads a source of batches to a limit and reports all that is wrong with it."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pitfalls.guard.findings import Finding, GuardError, Report
from pitfalls.guard.rules import threads as worker_threads
from pitfalls.guard.rules.aliasing import DEFAULT_DEPTH, Change, Window, describe
from pitfalls.guard.rules.stability import Forms
from pitfalls.guard.rules.traps import WriteTrap, is_trapped_write, place_of, written_path
from pitfalls.guard.stream.batches import named_leaves
from pitfalls.guard.stream.memory import address_of, is_slice, share_memory
from pitfalls.guard.stream.sources import Place, Places, find_places
from pitfalls.guard.stream.streams import is_pydataset, is_tf_dataset, stream_of

LEAST_BATCHES = 32
EXTRA_SECONDS = 0.3
PATIENT_SECONDS = 10.0
EPOCHS = 3
TRAP_SECONDS = 1.0
ARRAYS_NAMED = 4


def check(
    target: Any,
    *,
    batches: int | None = None,
    depth: int = DEFAULT_DEPTH,
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
        depth: How many batches a consumer may hold at a time.
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
    if depth < 1 or (batches is not None and batches < 1):
        raise GuardError(f"batches and depth start at 1; here they are {batches} and {depth}.")
    source = target() if callable(target) and not hasattr(target, "__iter__") else target
    reading = Reading(source, batches, depth, strict)
    reading.observe = observe or reading.observe
    reading.run(time.monotonic() + seconds if seconds else None)
    findings = [*reading.findings(), *worker_threads.findings_of(source)]
    title = name or getattr(target, "__name__", None) or type(target).__name__
    return Report(title, tuple(findings), tuple(reading.not_checked), reading.seen).without(ignore)


class Reading:
    """One pass over a source of batches."""

    def __init__(self, source: Any, limit: int | None, depth: int, strict: bool) -> None:
        """Prepare to read ``limit`` batches at most, or as many as seem right."""
        self.source, self.depth, self.strict = source, depth, strict
        self.limit, self.fixed = limit or max(LEAST_BATCHES, 3 * depth), limit is not None
        self.stream = stream_of(source, self.limit)
        self.started = time.monotonic()
        self.patience, self.epochs = EXTRA_SECONDS, Epochs()
        self.observe: Callable[[Reading], None] = lambda _: None
        self.window = Window(depth)
        self.forms = Forms()
        self.trap = WriteTrap()
        self.seen = 0
        self.changes: dict[str, tuple[Change, Places]] = {}
        self.writes: list[Finding] = []
        self.notes: list[str] = []

    def run(self, deadline: float | None) -> None:
        """Read until the limit, the deadline, or the end of the batches."""
        try:
            while self._wants_more():
                if deadline and time.monotonic() > deadline:
                    self._out_of_time()
                    break
                self.observe(self)
                if not self._read_one():
                    break
            else:
                self._locate_the_write()
            self._refuse_the_unreadable()
        finally:
            self.trap.open()
            with contextlib.suppress(ValueError):
                self.stream.close() if hasattr(self.stream, "close") else None

    def _refuse_the_unreadable(self) -> None:
        """Refuse a source of which nothing could be read: silence would look like a clean report."""
        if self.window.unread and not any(
            content is not None for held in self.window.held for content in held.contents.values()
        ):
            raise GuardError(
                "Nothing that it yields can be read, so nothing was checked:\n"
                + "\n".join(f"  {why}" for why in self.window.unread.values())
                + "\nYield arrays, or tuples, lists, dicts or objects that hold them."
            )

    def _wants_more(self) -> bool:
        """Tell whether to pull another batch: a few at least, then as many as cost nothing."""
        if self.seen < self.limit or self.fixed:
            return self.seen < self.limit
        if self.changes or self.epochs.count > EPOCHS:
            return False
        if self.seen == self.limit:
            self.patience = PATIENT_SECONDS if self._may_be_shuffled() else EXTRA_SECONDS
        return time.monotonic() - self.started < self.patience

    def _may_be_shuffled(self) -> bool:
        """Tell whether batches are slices of a larger array that the code also writes to."""
        leaves = self.window.held[-1].leaves.values()
        return any(is_slice(leaf) and find_places(self.source, leaf).refilled for leaf in leaves)

    def _read_one(self) -> bool:
        """Pull one batch, compare, and say whether there was one."""
        try:
            batch = next(self.stream)
        except StopIteration:
            self._compare()
            self._ended()
            return False
        except (Exception, SystemExit) as error:
            self._failed(error)
            return False
        self._compare()
        self.forms.add(self.seen, batch)
        self.epochs.add(batch)
        self.window.add(self.seen, batch)
        self.seen += 1
        if self.strict:
            self.trap.close_on(batch)
        return True

    def _compare(self) -> None:
        for change in self.window.changes(self.seen):
            if change.path not in self.changes:
                self.changes[change.path] = change, find_places(self.source, change.leaf)

    def _ended(self) -> None:
        if self.seen == 0:
            raise GuardError("It ended before its first batch: there is nothing to check.")
        if self.seen == 1:
            self.notes.append("It ended after one batch: nothing could be refilled for a second one.")

    def _failed(self, error: BaseException) -> None:
        if self.strict and self.seen and is_trapped_write(error):
            self._compare()
            self.writes.append(self._write(error))
            return
        self._compare()
        place = place_of(error)
        at = f" at {place.text}" if place else ""
        what = f"It raised {type(error).__name__} while batch {self.seen} was made{at}: {_first_line(error)}"
        if not self.changes:
            raise GuardError(what) from error
        self.notes.append(what)

    def _out_of_time(self) -> None:
        if self.seen < min(self.limit, self.depth + 1) and not self.changes:
            raise GuardError(
                f"Out of time: {self.seen} of {self.limit} batches came.\n"
                "Give it more with --seconds, or ask for fewer with --batches."
            )
        self.notes.append(
            f"Out of time: {self.seen} of {self.limit} batches came, and only these were checked."
        )

    def _write(self, error: BaseException) -> Finding:
        """Turn the refused write into a finding."""
        place = place_of(error)
        path, index = written_path(error, self.window.held)
        lines = [
            f"{path} of batch {index} was written to after it was yielded.",
            f"  refused     {type(error).__name__}: {_first_line(error)}, while batch {self.seen} was made",
            *([f"  written     {place.text}"] if place else []),
            "  bites       a queue of references (prefetch threads), PyDataset(workers=2 or more)",
        ]
        fix = "Allocate the array inside the loop, or yield a copy of it: np.copy(x)."
        file, line = (place.file, place.line) if place else (None, None)
        return Finding("aliased-batch", path, index, "\n".join(lines), fix, file, line)

    def _locate_the_write(self) -> None:
        """Pull a few batches more with the trap closed: the line that refills raises, and so is known."""
        if self.strict or is_tf_dataset(self.source) or not (self.changes or self._memory_again()):
            return
        for held in self.window.held:
            self.trap.close_on(held.batch)
        puller = threading.Thread(target=self._pull_into_the_trap, daemon=True)
        puller.start()
        puller.join(TRAP_SECONDS)
        self.trap.open()
        puller.join(TRAP_SECONDS)

    def _pull_into_the_trap(self) -> None:
        """Pull until a write is refused; aside, as a source may catch the refusal and try for ever."""
        try:
            for _ in range(self.depth):
                next(self.stream)
        except Exception as error:
            place = place_of(error) if is_trapped_write(error) else None
            if place:
                self._located(place, written_path(error, self.window.held)[0])

    def _memory_again(self) -> bool:
        """Tell whether the last two batches stand in one memory, though nothing in it changed."""
        if len(self.window.held) < 2:
            return False
        old, new = self.window.held[-2].leaves, self.window.held[-1].leaves
        return any(share_memory(old.get(path), leaf) for path, leaf in new.items())

    def _located(self, place: Place, path: str) -> None:
        """Note which line wrote to an array, or that it always wrote the same."""
        if path in self.changes:
            change, places = self.changes[path]
            self.changes[path] = change, Places(places.allocated, place)
        elif not self.changes:
            self.notes.append(
                f"{path} is written again for each batch, always with the same values, at {place.text}. "
                "If that is due to the data it was called with, call it with data that varies."
            )

    def findings(self) -> list[Finding]:
        """Return what was found, aliased arrays first."""
        aliased = [describe(*self.changes[path]) for path in _first_few(list(self.changes), str)]
        known = {finding.array for finding in aliased}
        unstable = [] if is_tf_dataset(self.source) else list(self.forms.findings.values())
        return [
            *aliased,
            *(w for w in self.writes if w.array not in known),
            *_first_few(unstable, lambda f: f.array),
        ]

    @property
    def not_checked(self) -> list[str]:
        """Return what could not be looked at, one sentence each."""
        indexed = is_pydataset(self.source)
        order = (
            ["The order in which workers take batches: they were read one after the other."]
            if indexed
            else []
        )
        return [*self.notes, *self._unnamed(), *self.window.unread.values(), *order]

    def _unnamed(self) -> list[str]:
        """Say how many arrays changed without being named: a list of images may have hundreds."""
        paths = list(self.changes)
        more = len(paths) - len(_first_few(paths, str))
        return [f"{more} more arrays changed as well and are not listed."] if more else []


class Epochs:
    """Counts how often the first batch's slice of a larger array came again: once an epoch."""

    def __init__(self) -> None:
        """Wait for the first batch."""
        self.first: int | None = None
        self.count = 0

    def add(self, batch: Any) -> None:
        """Look at where a batch's first slice stands."""
        slices = (leaf for _, leaf in named_leaves(batch) if is_slice(leaf))
        address = next((address_of(leaf) for leaf in slices), None)
        if self.first is None:
            self.first = address
        self.count += address is not None and address == self.first


def _first_few(items: list[Any], path_of: Callable[[Any], str]) -> list[Any]:
    """Keep the first few of what concerns one part of the batch."""
    kept: list[Any] = []
    counts: Counter[str] = Counter()
    for item in items:
        root = re.split(r"[\[.]", path_of(item))[0]
        counts[root] += 1
        if counts[root] <= ARRAYS_NAMED:
            kept.append(item)
    return kept


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or "no message"
