"""How batches travel to a jitted step: handed straight to it, or put on the device some steps ahead.

A batch can be handed over in six ways. All but `numpy_copy` leave the copy, if there is one, to JAX.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pitfalls.config.schema import Feed
from pitfalls.lab.generators import Batch

HAND_OVERS: dict[str, Callable[[np.ndarray], Any]] = {
    "asarray": jnp.asarray,
    "array_copy": partial(jnp.array, copy=True),
    "device_put": jax.device_put,
    "device_put_no_alias": partial(jax.device_put, may_alias=False),
    "numpy_copy": np.copy,
}
"""What is called on each array before it is handed to a step, by `hand_over` of conf/feed."""


def dispatched(batches: Iterator[Batch], feed: Feed) -> Iterator[Batch]:
    """Return the batches as they are handed to the step: the generator itself where they are taken as they are."""
    if feed.hand_over == "as_it_is" and feed.waits != "batch":
        return batches  # nothing stands between the generator and JAX's own dispatch
    return handed_over(batches, HAND_OVERS.get(feed.hand_over or "", np.asarray), feed.waits == "batch")


def handed_over(
    batches: Iterator[Batch], hand_over: Callable[[np.ndarray], Any], waits: bool
) -> Iterator[Batch]:
    """Yield each batch as a function hands it over, and wait for that if asked to."""
    for inputs, labels in batches:
        batch = hand_over(inputs), hand_over(labels)
        yield jax.block_until_ready(batch) if waits else batch


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
