"""How batches travel to a jitted step: handed straight to it, or put on the device some steps ahead."""

from collections import deque
from collections.abc import Callable, Iterator

import jax

from pitfalls.config.schema import Feed
from pitfalls.lab.generators import Batch


def dispatched(batches: Iterator[Batch], feed: Feed) -> Iterator[Batch]:
    """Return the generator itself: nothing stands between it and JAX's own dispatch."""
    return batches


def prefetched(batches: Iterator[Batch], feed: Feed) -> Iterator[Batch]:
    """Put batches on the device ahead of the step, as Flax's `prefetch_to_device` does."""
    ahead = deque(jax.device_put(next(batches)) for _ in range(feed.places))
    while True:
        yield ahead.popleft()
        ahead.append(jax.device_put(next(batches)))


FEEDS: dict[str, Callable[[Iterator[Batch], Feed], Iterator[Batch]]] = {
    "dispatch": dispatched,
    "prefetch": prefetched,
}
"""The feeds of a step written by hand, by the `kind` of conf/feed."""
