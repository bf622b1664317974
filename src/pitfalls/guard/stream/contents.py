"""Contents: a copy of what an array held, and how many of its values differ later.

Values are compared by their bytes, so that NaN equals itself, except where bytes
lie: padding (structured and extended-precision dtypes) and pointers (objects,
variable-width strings). There the values themselves are compared.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np

SMALL_BYTES = 1 << 16
NOWHERE = np.zeros((), dtype=bool)


class Contents(NamedTuple):
    """What an array held: its parts, or for a small plain array its bytes and form, which compare faster."""

    raw: bytes | None
    form: tuple[tuple[int, ...], np.dtype]
    parts: list[np.ndarray]

    @property
    def nbytes(self) -> int:
        """How much memory the copy takes."""
        return len(self.raw or b"") + sum(part.nbytes for part in self.parts)


def contents_of(array: np.ndarray) -> Contents:
    """Return copies of everything that an array holds.

    A masked array holds data and a mask; an axis that is only broadcast is kept once.
    """
    form = (array.shape, array.dtype)
    if array.nbytes <= SMALL_BYTES and has_plain_bytes(array):
        return Contents(array.tobytes(), form, [])
    return Contents(None, form, [_copied(part) for part in _parts(array)])


def has_plain_bytes(array: np.ndarray) -> bool:
    """Tell whether an array is its bytes: no mask, no padding, no pointers."""
    dtype = array.dtype
    return type(array) is np.ndarray and not dtype.names and not dtype.hasobject and dtype.char not in "gGT"


def changed_values(before: Contents, array: np.ndarray) -> int:
    """Return how many values of an array are no longer what they were."""
    if (array.shape, array.dtype) != before.form:
        return max(int(array.size), 1)
    if before.raw is not None:
        now = array.tobytes()
        return 0 if now == before.raw else different_items(before.raw, now, array.dtype)
    parts = _parts(array)
    if len(parts) != len(before.parts) or any(
        a.shape != b.shape for a, b in zip(parts, before.parts, strict=True)
    ):
        return max(int(array.size), 1)
    changes = [_differences(old, new) for old, new in zip(before.parts, parts, strict=True)]
    repeats = array.size // parts[0].size if parts[0].size else 0
    return max((int(np.count_nonzero(change)) for change in changes), default=0) * repeats


def _parts(array: np.ndarray) -> list[np.ndarray]:
    """Return the plain arrays that one array consists of."""
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmask(array)
        data = [_without_broadcast(np.ma.getdata(array))]
        return data if mask is np.ma.nomask else [*data, np.asarray(mask)]
    return [_without_broadcast(np.asarray(array))]


def _without_broadcast(array: np.ndarray) -> np.ndarray:
    """Return a view in which each axis that repeats one value over and over has length one."""
    if 0 in array.strides and array.size:
        return array[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)]
    return array


def _copied(array: np.ndarray) -> np.ndarray:
    """Return a contiguous copy that shares nothing with the array, arrays inside objects included."""
    copied = np.array(array, order="C", copy=True)
    if copied.dtype == object:
        flat = copied.reshape(-1)
        for index, value in enumerate(flat):
            if isinstance(value, (np.ndarray, list, dict, set, bytearray)):
                flat[index] = copy.deepcopy(value)
    return copied


def _differences(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return a mask of where two arrays of one shape differ; it may be a single false."""
    if old.dtype != new.dtype:
        return np.ones(old.shape, dtype=bool)
    dtype = old.dtype
    if dtype.names:
        fields = [_differences(np.asarray(old[name]), np.asarray(new[name])) for name in dtype.names]
        return _any_field(fields, old.ndim)
    if dtype.hasobject or dtype.kind == "T":
        pairs = zip(old.reshape(-1), new.reshape(-1), strict=True)
        return np.array([not same_value(a, b) for a, b in pairs], dtype=bool)
    if dtype.char in "gG":
        return (old != new) & ~((old != old) & (new != new))
    return _different_bytes(old, new)


def _any_field(fields: list[np.ndarray], ndim: int) -> np.ndarray:
    """Merge the differences of a record's fields into one mask over the records."""
    merged = NOWHERE
    for mask in fields:
        inner = tuple(range(ndim, mask.ndim))
        merged = merged | (mask.any(axis=inner) if inner else mask)
    return merged


def _different_bytes(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Compare two arrays of one shape and dtype by their bytes."""
    itemsize = old.dtype.itemsize
    if not old.size or not itemsize:
        return NOWHERE
    word = next(size for size in (8, 4, 2, 1) if itemsize % size == 0)
    a, b = (np.ascontiguousarray(array).reshape(-1).view(f"u{word}") for array in (old, new))
    changed = a != b
    if not changed.any():
        return NOWHERE
    items = changed if word == itemsize else changed.reshape(-1, itemsize // word).any(axis=1)
    mask = items.reshape(old.shape)
    return mask & ~_same_numbers(old, new) if old.dtype.kind in "fc" else mask


def _same_numbers(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return where two arrays of numbers are equal though their bytes may differ: -0.0 and 0.0, NaN and NaN."""
    return np.asarray((old == new) | ((old != old) & (new != new)))


def different_items(old: bytes, new: bytes, dtype: np.dtype) -> int:
    """Return how many items of two byte strings of one length differ."""
    if not dtype.itemsize:
        return 0
    a, b = (np.frombuffer(part, dtype=dtype) for part in (old, new))
    return int(np.count_nonzero(_different_bytes(a, b)))


def same_value(a: object, b: object) -> bool:
    """Compare two entries of an object array; what cannot be compared is the same only if identical."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and changed_values(contents_of(a), b) == 0
    try:
        return bool(a == b) or bool(a != a and b != b)
    except Exception:
        return False
