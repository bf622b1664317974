"""Samples: finds a sample that is written again before the batch that it belongs to is collated.

A collate is given references to all samples of a batch. If a data set hands out the same memory each
time, all of them are the last sample, and their labels are not.
"""

from __future__ import annotations

from typing import Any

from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.aliasing import Window
from pitfalls.guard.rules.changes import Change
from pitfalls.guard.stream import tensors
from pitfalls.guard.stream.lines import Places, find_places
from pitfalls.guard.stream.loaders import UNKNOWN_SIZE, InProcess
from pitfalls.guard.stream.memory import describe_memory

BATCHES_AFTER_PROOF = 3
FIXES = {
    "": "Return a new array for each sample, or a copy of it: np.copy(x).",
    tensors.TORCH: "Return a new tensor for each sample, or a copy of it: x.clone().",
}


class Samples:
    """Looks at the samples of each batch, and keeps the first change of each array."""

    def __init__(self, source: InProcess) -> None:
        """Be shown each sample of a source, and be told when a batch has all of its own."""
        self.source, self.batch, self.count = source, 0, 0
        self.window = Window(source.collates or UNKNOWN_SIZE)
        self.found: dict[str, Finding] = {}
        source.sample_seen, source.batch_done, source.is_enough = self.see, self.compare, self.is_enough

    def see(self, place: int, sample: Any) -> None:
        """Keep a sample, with a copy of what it holds."""
        if not place:
            self.window.held.clear()
        self.count = place + 1
        if not self.found:
            self.window.add(place, sample)

    def is_enough(self) -> bool:
        """Tell whether something was proved, and a few batches more have shown the rest."""
        return bool(self.found) and self.batch > BATCHES_AFTER_PROOF

    def compare(self) -> None:
        """Compare a batch's samples with what they were."""
        changes: dict[str, list[Change]] = {}
        for change in self.window.changes(self.count):
            changes.setdefault(change.path, []).append(change)
        for path, of_path in changes.items():
            if path not in self.found:
                self.found[path] = self._described(of_path)
        self.window.held.clear()
        self.batch += 1

    def _described(self, changes: list[Change]) -> Finding:
        """Turn the changes of one array into a finding."""
        first, places = changes[-1], find_places(self.source, changes[-1].holder)
        which = f"of batch {self.batch}" if self.source.is_loader else "that were read"
        all_but_one = len(changes) == self.count - 1
        rows = "every row of a batch is the last one" if all_but_one else "rows are copies of later ones"
        return described(
            first, places, f"{len(changes)} of the {self.count} samples {which}", rows, self.batch
        )


def described(
    change: Change, places: Places, when: str, rows: str = "rows are copies of later ones", batch: int = 0
) -> Finding:
    """Turn a change of a sample into a finding.

    Args:
        change: What changed; its ``batch`` is the sample's number.
        places: Where its memory is allocated and refilled, as far as that is known.
        when: What was seen, behind the word ``changed``.
        rows: What becomes of a batch's rows.
        batch: The batch that the sample belongs to, where that is known.
    """
    lines = [
        f"{change.path} of sample {change.batch} changed before its batch was collated.",
        f"  changed     {when}",
        f"  memory      {describe_memory(change.leaf)}",
        *places.lines(),
        "  bites       DataLoader(batch_size=2 or more), with any number of workers: collate is given",
        f"              references to one memory, so {rows}",
    ]
    fix = FIXES.get(tensors.kind_of(change.leaf) or "", FIXES[""])
    file, line = places.refilled or places.allocated or (None, None)
    return Finding("refilled-sample", change.path, batch, "\n".join(lines), fix, file, line)
