"""Watcher: proves aliasing while batches pass, at little cost.

What is compared at each step is little and cheap: the previous batch, the batch that
leaves the window, one in between, and those whose memory the new one uses. A consumer
may change its own batches: what differs when it comes back for the next one is its own
doing, and is taken as the new state before the generator is asked.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections import deque
from collections.abc import Generator, Iterable
from time import perf_counter
from typing import Any

from pitfalls.guard.findings import AliasedBatchError, AliasedBatchWarning, Finding
from pitfalls.guard.rules.budget import Budget
from pitfalls.guard.rules.changes import Change, container_of, describe
from pitfalls.guard.stream.batches import is_array, named_leaves
from pitfalls.guard.stream.contents import same_value
from pitfalls.guard.stream.copying import copied_batch
from pitfalls.guard.stream.lines import find_places
from pitfalls.guard.stream.probes import BLOCKS, Probe


class ProbedBatch:
    """A batch that the consumer may still hold, with probes of its arrays."""

    __slots__ = ("batch", "index", "keys", "probes")

    def __init__(self, index: int, batch: Any, blocks: int = BLOCKS) -> None:
        """Probe every array of a batch just yielded, the large ones at so many places."""
        self.index, self.batch = index, batch
        self.probes = [Probe(path, leaf, blocks) for path, leaf in named_leaves(batch)]
        self.keys = [probe.key for probe in self.probes]


class Watcher:
    """The last batches of one source, and what to do when one of them changes."""

    def __init__(self, source: Any, depth: int, on_alias: str) -> None:
        """Hold at most ``depth`` batches of a source."""
        self.source, self.on_alias, self.depth = source, on_alias, depth
        self.held: deque[ProbedBatch] = deque()
        self.users: dict[int, ProbedBatch] = {}
        self.lock = threading.Lock()
        self.seen = 0
        self.budget = Budget()
        self.done = on_alias == "copy"

    def before(self) -> None:
        """Take what the consumer did to the batches it holds for granted."""
        if self.held:
            started = perf_counter()
            for held in self._looked_at():
                for probe in held.probes:
                    if probe.differs():
                        probe.renew()
            self.budget.own_seconds += perf_counter() - started

    def after(self, batch: Any) -> Any:
        """Look at the held batches again, keep the new one, and return what to pass on."""
        if self.on_alias == "copy":
            return copied_batch(batch)
        if not self.done:
            with self.lock:
                started = perf_counter()
                new = ProbedBatch(self.seen, batch, self.budget.blocks)
                if self.held:
                    self._compare(new.keys)
                if not self.done:
                    self._keep(new)
                now = perf_counter()
                self.budget.own_seconds += now - started
                self.budget.settle(now)
        return batch

    def ended(self) -> None:
        """Look a last time: the source may write after its last batch."""
        if self.held and not self.done:
            self._compare([])

    def _keep(self, new: ProbedBatch) -> None:
        """Add a batch, and let the oldest go when there are more than may be held."""
        self.held.append(new)
        for key in new.keys:
            self.users[key] = new
        self.seen += 1
        if len(self.held) > self.depth:
            old = self.held.popleft()
            for key in old.keys:
                if self.users.get(key) is old:
                    del self.users[key]

    def _looked_at(self) -> tuple[ProbedBatch, ...]:
        """Return the newest batch, the oldest, and one in between: another one at each step."""
        held = self.held
        if len(held) < 3:
            return tuple(held)
        return held[-1], held[0], held[1 + self.seen % (len(held) - 2)]

    def _compare(self, keys: list[int]) -> None:
        """Act on the first change in the batches looked at, or in one whose memory the new batch uses."""
        watched = self._looked_at()
        users = [self.users[key] for key in keys if key in self.users]
        for held in (*watched, *(user for user in users if user not in watched)):
            change = self._change_of(held)
            if change is not None:
                self._act(describe(change, find_places(self.source, change.holder)))
                return

    def _change_of(self, held: ProbedBatch) -> Change | None:
        """Return the first array of a batch that changed, or whose place in a container another one took."""
        for probe in held.probes:
            if probe.differs():
                changed, total = probe.changed()
                return Change(
                    probe.path,
                    held.index,
                    self.seen,
                    probe.leaf,
                    changed,
                    total,
                    probe.sampled,
                    holder=probe.leaf,
                )
        if type(held.batch) is tuple and all(is_array(part) for part in held.batch):
            return None
        now = dict(named_leaves(held.batch))
        for probe in held.probes:
            if now.get(probe.path) is not probe.leaf and not _equal(probe, now.get(probe.path)):
                leaf, container = now.get(probe.path), container_of(held.batch)
                kind = type(container).__name__
                return Change(probe.path, held.index, self.seen, leaf, 0, 0, container=kind, holder=container)
        return None

    def _act(self, finding: Finding) -> None:
        self.done = True
        self.held.clear()
        self.users.clear()
        act_on(finding, self.on_alias)


def act_on(finding: Finding, on_alias: str) -> None:
    """Raise a finding, or warn of it."""
    if on_alias == "raise":
        raise AliasedBatchError(finding)
    warnings.warn(finding.text, AliasedBatchWarning, stacklevel=6)


def watched_batches(source: Iterable[Any], depth: int, on_alias: str) -> Generator[Any, Any, Any]:
    """Delegate to a source as ``yield from`` would, looking at each batch on its way."""
    iterator = iter(source)
    watcher = Watcher(iterator, depth, on_alias)
    sent: Any = None
    try:
        while True:
            watcher.before()
            try:
                batch = next(iterator) if sent is None else iterator.send(sent)  # type: ignore[attr-defined]
            except StopIteration as end:
                watcher.ended()
                return end.value
            batch = watcher.after(batch)
            sent = yield batch
    finally:
        watcher.held.clear()
        with contextlib.suppress(RuntimeError):  # a bare except around its yield keeps it from closing
            getattr(iterator, "close", lambda: None)()


def _equal(probe: Probe, leaf: Any) -> bool:
    """Tell whether what stands in an array's place now holds the same."""
    if probe.raw is None and probe.contents is None:
        return bool(same_value(probe.leaf, leaf))
    return isinstance(leaf, type(probe.leaf)) and probe.holds(leaf)
