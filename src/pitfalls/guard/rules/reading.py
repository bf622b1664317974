"""Reading: one pass over a source of batches, which every detector is shown as it comes."""

from __future__ import annotations

import contextlib
import reprlib
import time
from collections.abc import Callable
from typing import Any

from pitfalls.guard.findings import Finding, GuardError, first_line
from pitfalls.guard.rules.aliasing import Aliasing
from pitfalls.guard.rules.detectors import Detector, first_of_each_array
from pitfalls.guard.rules.patience import Patience
from pitfalls.guard.rules.stability import Stability
from pitfalls.guard.rules.targets import Write, place_of
from pitfalls.guard.rules.traps import RefusedWrites, refilling_write
from pitfalls.guard.stream.streams import is_pydataset, is_tf_dataset, stream_of

ONE_AFTER_THE_OTHER = "The order in which workers take batches: they were read one after the other."


class Reading:
    """One pass over a source of batches."""

    def __init__(self, source: Any, limit: int | None, depth: int, strict: bool) -> None:
        """Prepare to read ``limit`` batches at most, or as many as seem right."""
        self.source, self.depth = source, depth
        self.patience = Patience(limit, depth)
        self.stream = stream_of(source, self.patience.limit)
        self.observe: Callable[[Reading], None] = lambda _: None
        self.seen = 0
        self.notes: list[str] = []
        self.example = ""
        self.aliasing = Aliasing(source, depth)
        self.writes = RefusedWrites(depth) if strict else None
        self.detectors: list[Detector] = [self.aliasing]
        if not is_tf_dataset(source):
            self.detectors.append(Stability())
        if self.writes:
            self.detectors.append(self.writes)

    def run(self, deadline: float | None) -> None:
        """Read until the limit, the deadline, or the end of the batches."""
        self.patience.has_deadline = deadline is not None
        try:
            self._read(deadline)
            self._refuse_the_unreadable()
        finally:
            if self.writes:
                self.writes.trap.open()
            with contextlib.suppress(ValueError, RuntimeError):
                getattr(self.stream, "close", lambda: None)()

    def findings(self) -> list[Finding]:
        """Return what every detector found, aliased arrays first."""
        found = [finding for detector in self.detectors for finding in detector.findings()]
        return first_of_each_array(found)

    @property
    def not_checked(self) -> list[str]:
        """Return what could not be looked at, one sentence each."""
        order = [ONE_AFTER_THE_OTHER] if is_pydataset(self.source) else []
        return [*self.notes, *self.aliasing.not_checked(), *order]

    def _read(self, deadline: float | None) -> None:
        while self.patience.wants_more(self.seen, self.aliasing):
            if deadline and time.monotonic() > deadline:
                if self.seen < self.patience.limit:
                    return self._out_of_time()
                break
            self.observe(self)
            if not self._read_one():
                return None
        return self._locate_the_write()

    def _read_one(self) -> bool:
        """Pull one batch, show it around, and say whether there was one."""
        try:
            batch = next(self.stream)
        except StopIteration:
            self._ended()
            return False
        except (Exception, SystemExit) as error:
            self._failed(error)
            return False
        for detector in self.detectors:
            detector.see(self.seen, batch)
        self.patience.epochs.add(batch)
        self.example = self.example or f"batch 0 is {reprlib.repr(batch)}"
        self.seen += 1
        return True

    def _ended(self) -> None:
        self.aliasing.compare(self.seen)
        if self.seen == 0:
            raise GuardError("It ended before its first batch: there is nothing to check.")
        if self.seen == 1:
            self.notes.append("It ended after one batch: nothing could be refilled for a second one.")

    def _failed(self, error: BaseException) -> None:
        self.aliasing.compare(self.seen)
        if self.writes and self.writes.take(error, self.seen, self.aliasing.window.held):
            return None
        place = place_of(error)
        at = f" at {place.text}" if place else ""
        what = f"It raised {type(error).__name__} while batch {self.seen} was made{at}: {first_line(error)}"
        if not self.aliasing.changes and self.seen <= self.depth:
            raise GuardError(what) from error
        return self.notes.append(f"{what}. The {self.seen} batches before it were checked.")

    def _out_of_time(self) -> None:
        came = f"Out of time: {self.seen} of {self.patience.limit} batches came"
        if self.seen < min(self.patience.limit, self.depth + 1) and not self.aliasing.changes:
            raise GuardError(f"{came}.\nGive it more with --seconds, or ask for fewer with --batches.")
        self.notes.append(f"{came}, and only these were checked.")

    def _refuse_the_unreadable(self) -> None:
        """Refuse a source of which nothing could be read: silence would look like a clean report."""
        window = self.aliasing.window
        if self.seen and not window.read_something:
            what = "\n".join(f"  {why}" for why in window.unread.values()) or f"  {self.example}"
            raise GuardError(
                f"Nothing that it yields can be read, so nothing was checked:\n{what}\n"
                "Yield arrays, or tuples, lists, dicts or objects that hold them."
            )

    def _locate_the_write(self) -> None:
        """Find the line that refills, where memory was used again."""
        window = self.aliasing.window
        used_again = self.aliasing.changes or window.memory_came_again()
        if used_again and not self.writes and not is_tf_dataset(self.source):
            found = refilling_write(self.stream, window.held, self.depth)
            if found:
                self._located(found)

    def _located(self, write: Write) -> None:
        """Note which line wrote to which arrays, or that it always wrote the same."""
        for path in {path for path, _ in write.arrays} & set(self.aliasing.changes):
            self.aliasing.locate(path, write.place)
        if not self.aliasing.changes:
            self.notes.append(
                f"{write.arrays[0][0]} is written again for each batch, always with the same values, "
                f"at {write.place.text}. "
                "If that is due to the data it was called with, call it with data that varies."
            )
