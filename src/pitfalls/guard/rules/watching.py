"""Watching: stands between a generator and training, and stops it when a batch changes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from typing import Any

from pitfalls.guard.findings import GuardError
from pitfalls.guard.rules.aliasing import DEFAULT_DEPTH
from pitfalls.guard.rules.watcher import Watcher
from pitfalls.guard.stream.streams import is_pydataset, is_tf_dataset, stream_of

ACTIONS = ("raise", "warn", "copy")


def watch(source: Any, *, depth: int | None = None, on_alias: str = "raise") -> Any:
    """Pass a source's batches on unchanged, and raise as soon as one changes after it was yielded.

    Large arrays are probed, not read whole: ``check`` reads everything. Any write to an array
    larger than 32 KB is missed if it touches none of the 128 blocks of 64 bytes that are looked at;
    up to 8192 blocks are, where that takes no more than 1 % of the time between two batches.

    Args:
        source: A generator or any iterable of batches; or a ``PyDataset``, which comes back as one.
        depth: How many batches the consumer may hold; 10, or for a data set what its queue and workers hold.
        on_alias: ``"raise"`` an ``AliasedBatchError``, ``"warn"`` once and go on, or ``"copy"`` every batch,
            so that refilling harms nobody.

    Returns:
        A generator, so that ``fit`` takes it, or a ``PyDataset``.

    Raises:
        ValueError: ``on_alias`` or ``depth`` is none of the above.
        TypeError: The source is no source of batches.
    """
    if on_alias not in ACTIONS:
        raise ValueError(f"on_alias is one of {', '.join(map(repr, ACTIONS))}; here it is {on_alias!r}.")
    if depth is not None and depth < 1:
        raise ValueError(f"depth starts at 1; here it is {depth}.")
    if is_pydataset(source):
        from pitfalls.guard.rules.datasets import watched_dataset

        return watched_dataset(source, depth, on_alias)
    if is_tf_dataset(source):
        raise TypeError(
            "A tf.data.Dataset has copied its batches already: watch the generator that feeds it."
        )
    try:
        stream_of(source, 1) if not hasattr(source, "__next__") else None
    except GuardError as error:
        raise TypeError(str(error)) from None
    return _watched(source, depth or DEFAULT_DEPTH, on_alias)


def _watched(source: Iterable[Any], depth: int, on_alias: str) -> Generator[Any, Any, Any]:
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
        with contextlib.suppress(
            RuntimeError
        ):  # a bare except around its yield keeps the source from closing
            getattr(iterator, "close", lambda: None)()
