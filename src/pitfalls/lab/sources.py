"""Sources: the user's generator, built from the configuration once a purpose."""

from collections.abc import Iterator

import numpy as np

from pitfalls.config.pairs import arguments_of
from pitfalls.config.schema import Config
from pitfalls.config.targets import importable
from pitfalls.lab.generators import Batch


def make_configured(config: Config) -> Iterator[Batch]:
    """Return a fresh generator of the configured batches, from the configured seed."""
    function = importable("generator", str(config.generator["_target_"]))
    batches: Iterator[Batch] = function(
        np.random.default_rng(config.seed),
        config.task.high,
        config.task.batch_size,
        **arguments_of(config.generator),
    )
    return batches
