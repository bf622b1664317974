"""Watching: stands between a generator and training, and stops it when a batch changes."""

from __future__ import annotations

from typing import Any

from pitfalls.guard.findings import GuardError
from pitfalls.guard.rules.aliasing import DEFAULT_DEPTH
from pitfalls.guard.rules.watcher import watched_batches
from pitfalls.guard.stream.streams import (
    is_pydataset,
    is_tf_dataset,
    is_torch_dataset,
    is_torch_loader,
    stream_of,
)

ACTIONS = ("raise", "warn", "copy")


def watch(source: Any, *, depth: int | None = None, on_alias: str = "raise") -> Any:
    """Pass a source's batches on unchanged, and raise as soon as one changes after it was yielded.

    Large arrays are probed, not read whole: ``check`` reads everything. Any write to an array
    larger than 32 KB is missed if it touches none of the 128 blocks of 64 bytes that are looked at;
    up to 8192 blocks are, where that takes no more than 1 % of the time between two batches.

    Args:
        source: A generator or any iterable of batches; or a ``PyDataset``, a ``DataLoader`` or a data set of
            PyTorch, which comes back as one. Of the last two the samples are watched too, as a collate
            holds them.
        depth: How many batches the consumer may hold; 10, or for a ``PyDataset`` what its queue and workers hold.
            For a data set of PyTorch: how many samples a collate may hold.
        on_alias: ``"raise"`` an ``AliasedBatchError``, ``"warn"`` once and go on, or ``"copy"`` every batch,
            so that refilling harms nobody.

    Returns:
        A generator, so that ``fit`` takes it; or a ``PyDataset``, a ``DataLoader`` or a data set, with the
        class and the attributes of the one that was given.

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
    if is_torch_loader(source) or is_torch_dataset(source):
        from pitfalls.guard.rules import loaders

        watched = loaders.watched_loader if is_torch_loader(source) else loaders.watched_samples
        return watched(source, depth, on_alias)
    if is_tf_dataset(source):
        raise TypeError(
            "A tf.data.Dataset has copied its batches already: watch the generator that feeds it."
        )
    try:
        stream_of(source, 1) if not hasattr(source, "__next__") else None
    except GuardError as error:
        raise TypeError(str(error)) from None
    return watched_batches(source, depth or DEFAULT_DEPTH, on_alias)
