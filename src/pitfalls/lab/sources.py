"""Sources: what a run is made of, built from its configuration: the user's generator, once a purpose, and a model."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from pitfalls.config.pairs import arguments_of
from pitfalls.config.schema import Config
from pitfalls.config.targets import importable
from pitfalls.errors import ConfigurationError
from pitfalls.lab.generators import Batch

Model = TypeVar("Model")


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


def own_model(config: Config, kind: type[Model], framework: str) -> Model:
    """Return the model of a step that is written by hand, from the run's seed.

    Args:
        config: Names the function that makes it.
        kind: What such a step can train.
        framework: In which it is written, the name of its folder.

    Raises:
        ConfigurationError: It is of another kind.
    """
    target = config.model._target_
    make = importable("model", target)
    model = make(config.seed) if make.__module__ != "pitfalls.lab.keras.models" else None
    if not isinstance(model, kind):
        raise ConfigurationError(
            f"model._target_={target} makes no model of pitfalls.lab.{framework}.models, and this runtime trains no other.\n"
            f"Name one of these, for example pitfalls.lab.{framework}.models.dense, or give runtime=keras3_{framework}."
        )
    return model
