"""Changes: an array that is no longer what was yielded, and the finding that says so."""

from __future__ import annotations

from typing import Any, NamedTuple

from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.biting import FIXES, paths_that_bite
from pitfalls.guard.stream import memory, tensors
from pitfalls.guard.stream.batches import SEQUENCES
from pitfalls.guard.stream.lines import Places

TWO_FIXES = "Allocate the array inside the loop, or yield a copy of it: np.copy(x)."
INDEX_FIX = (
    "Shuffle an index rather than the data: order = rng.permutation(len(data)), then yield data[order[i:j]]. "
    "A slice of data that is shuffled in place changes with it."
)
LIST_FIX = "Make a new list for each batch, or yield a copy of it: list(x)."
CONTAINER_FIX = "Make a new {kind} for each batch, or yield a copy of it: {kind}(batch)."
HOLDERS = "a queue of references, PyDataset(workers=2 or more)"


class Change(NamedTuple):
    """One array of one batch that is no longer what was yielded."""

    path: str
    batch: int
    at: int
    leaf: Any
    changed: int
    total: int
    sampled: bool = False
    container: str | None = None
    holder: Any = None

    @property
    def when(self) -> str:
        """Say what the generator was doing."""
        return f"while batch {self.at} was made"


def container_of(batch: Any) -> Any:
    """Return the mutable container of a batch: the batch itself, or the first one inside a tuple."""
    if isinstance(batch, tuple):
        inner = [container_of(part) for part in batch]
        return next((part for part in inner if not isinstance(part, tuple)), ())
    return batch if isinstance(batch, (dict, *SEQUENCES)) else ()


def describe(change: Change, places: Places) -> Finding:
    """Turn a change into a finding: what, seen, cost, cure."""
    lines = _container_lines(change, places) if change.container else _array_lines(change, places)
    where = places.refilled or places.allocated
    file, line = where or (None, None)
    return Finding(
        "aliased-batch", change.path, change.batch, "\n".join(lines), fix_for(change, places), file, line
    )


def fix_for(change: Change, places: Places) -> str:
    """Say what to change: what is shuffled needs an index, a list a new list, an array memory of its own."""
    if places.refilled and "shuffle" in places.refilled.text.rpartition(": ")[2]:
        return INDEX_FIX
    if change.container:
        return CONTAINER_FIX.format(kind=change.container)
    if isinstance(change.leaf, SEQUENCES):
        return LIST_FIX
    return FIXES.get(tensors.kind_of(change.leaf) or "", TWO_FIXES)


def _array_lines(change: Change, places: Places) -> list[str]:
    of = f"{change.total} probed" if change.sampled else str(change.total)
    return [
        f"{change.path} of batch {change.batch} changed after it was yielded.",
        *_called(change, places),
        f"  changed     {change.changed} of {of} values, {change.when}",
        f"  memory      {memory.describe_memory(change.leaf)}",
        *places.lines(),
        f"  bites       {paths_that_bite(change.leaf)}",
    ]


def _called(change: Change, places: Places) -> list[str]:
    """Say what a list or a dictionary is called in the code, where the path in the batch is another name."""
    is_list = change.container is not None or isinstance(change.leaf, SEQUENCES)
    return [f"  called      {places.name}"] if is_list and places.name else []


def _container_lines(change: Change, places: Places) -> list[str]:
    return [
        f"{change.path} of batch {change.batch} was replaced after it was yielded.",
        *_called(change, places),
        f"  changed     the {change.container} that holds it, {change.when}",
        *places.lines(),
        f"  bites       whoever still holds the batch: {HOLDERS}",
    ]
