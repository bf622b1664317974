"""Generators of sound batches that end their process, or only raise, after some batches, until MENDED=1 is set."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator

import numpy as np

from pitfalls.lab.generators import Batch, fresh_arrays

AFTER_BATCHES = 50
"""More than a probe or a check takes, fewer than a training."""

Source = Callable[[np.random.Generator, int, int], Iterator[Batch]]


def ending_with(end: Callable[[], object]) -> Source:
    """Return a generator that does something else than to yield its next batch."""

    def batches(rng: np.random.Generator, high: int, batch_size: int) -> Iterator[Batch]:
        for index, batch in enumerate(fresh_arrays(rng, high, batch_size)):
            if index == AFTER_BATCHES and os.environ.get("MENDED") != "1":
                end()
            yield batch

    return batches


def _raise(error: BaseException) -> None:
    raise error


raising = ending_with(lambda: _raise(ValueError("no more data\nand more about it")))
exiting = ending_with(lambda: sys.exit(3))
leaving = ending_with(lambda: os._exit(0))
killed = ending_with(lambda: os.kill(os.getpid(), signal.SIGKILL))
crashing = ending_with(lambda: ctypes.string_at(0))
starving = ending_with(lambda: _raise(MemoryError()))
stopped = ending_with(lambda: os.kill(os.getpid(), signal.SIGTERM))
sound = ending_with(lambda: None)
