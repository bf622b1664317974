"""Stability: a shape (but for the first axis) or a dtype that changes between batches.

Keras fixes what a generator yields from its first two batches (`NUM_BATCHES_FOR_TENSOR_SPEC`
in its `data_adapter_utils.py`): an axis that differs between them is left open, and may differ
later too. A later batch that differs elsewhere stops training, or is cast in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pitfalls.guard.findings import Finding
from pitfalls.guard.rules.detectors import few_of_each_part
from pitfalls.guard.stream.batches import named_leaves

TEXT_KINDS = "USOT"
PLURALS = ("inputs", "labels")
FIX = "Yield one structure, one dtype and one shape behind the batch axis, for example padded to one length."
Form = tuple[tuple[int | None, ...], str]
"""The lengths behind the first axis, None where the first two batches differ, and the dtype."""


class Stability:
    """Shape and dtype of every array, as the first batch had them."""

    def __init__(self) -> None:
        """Know nothing until the first batch."""
        self._first: dict[str, Form | None] | None = None
        self._second: dict[str, Form | None] | None = None
        self._findings: dict[str, Finding] = {}

    def see(self, index: int, batch: Any) -> None:
        """Compare a batch with the first one."""
        forms = {path: form_of(leaf) for path, leaf in named_leaves(batch)}
        if self._first is None:
            self._first = forms
            return
        self._second = self._second or forms
        if not _is_list_of_samples(self._first, forms):
            for path in dict.fromkeys([*self._first, *forms]):
                expected = _left_open(self._first.get(path), self._second.get(path))
                self._compare(index, path, expected, forms.get(path))

    def findings(self) -> list[Finding]:
        """Return a finding for each array, at most a few of each part of the batch."""
        return few_of_each_part(self._findings.values())

    def _compare(self, index: int, path: str, first: Form | None, now: Form | None) -> None:
        if _fits(first, now) or path in self._findings:
            return
        have = "have" if path in PLURALS else "has"
        message = (
            f"batch {index}: {path} {have} a different shape or dtype than in batch 0.\n"
            f"  batch 0     {describe(first)}\n"
            f"  batch {index:<5} {describe(now)}\n"
            "  costs       Keras takes the form from the first batches: a later one stops training or is cast"
        )
        self._findings[path] = Finding("unstable-batch", path, index, message, FIX)


def _left_open(first: Form | None, second: Form | None) -> Form | None:
    """Return the form of the first batch, with the axes left open in which the second one differs."""
    if first is None or second is None or len(first[0]) != len(second[0]):
        return first
    return tuple(a if a == b else None for a, b in zip(first[0], second[0], strict=True)), first[1]


def _fits(expected: Form | None, now: Form | None) -> bool:
    """Tell whether a form is the expected one, whatever is left open."""
    if expected is None or now is None:
        return expected is now
    (lengths, dtype), (new_lengths, new_dtype) = expected, now
    if len(lengths) != len(new_lengths) or dtype != new_dtype:
        return False
    return all(a in (None, b) for a, b in zip(lengths, new_lengths, strict=True))


def form_of(leaf: object) -> Form | None:
    """Return the shape behind the first axis, and the dtype; None for what is no array."""
    if leaf is None:
        return None
    shape, dtype = getattr(leaf, "shape", None), getattr(leaf, "dtype", None)
    if shape is None or dtype is None:
        return _form_of_values(leaf)
    name = "text" if getattr(dtype, "kind", "?") in TEXT_KINDS else str(getattr(dtype, "name", dtype))
    return tuple(shape)[1:], name


def _form_of_values(leaf: object) -> Form | None:
    """Return the form that NumPy would give to a list; ragged lists have none that could change."""
    try:
        array = np.asarray(leaf)
    except ValueError:
        return (), "ragged list"
    return array.shape[1:], "text" if array.dtype.kind in TEXT_KINDS else array.dtype.name


def _is_list_of_samples(first: dict[str, Form | None], now: dict[str, Form | None]) -> bool:
    """Tell whether two batches are lists of samples of different lengths, which is the first axis again."""
    return len(first) != len(now) and set(first.values()) == set(now.values())


def describe(form: Form | None) -> str:
    """Return a form as ``(any, 55, 1) float32``."""
    if form is None:
        return "absent"
    shape, dtype = form
    lengths = ["any", *("any" if length is None else str(length) for length in shape)]
    return f"({', '.join(lengths)}) {dtype}"
