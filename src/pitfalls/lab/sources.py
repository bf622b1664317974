"""Sources: the user's generator, built from the configuration once a purpose."""

from collections.abc import Iterator

import numpy as np

from pitfalls.config.pairs import arguments_of
from pitfalls.config.schema import Config
from pitfalls.config.targets import importable
from pitfalls.lab.generators import Batch


def make_configured(config: Config, *worker: int) -> Iterator[Batch]:
    """Return a fresh generator of what is configured: batches, or samples.

    Args:
        config: Names the function, its options and the seed.
        worker: The number of a loader's worker, which draws from the seed and its number.
    """
    function = importable("generator", str(config.generator["_target_"]))
    batches: Iterator[Batch] = function(
        np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=worker)),
        config.task.high,
        config.task.batch_size,
        **arguments_of(config.generator),
    )
    return batches
