"""Refusals: what has the right type and still cannot be trained, in words that name a value that can."""

import inspect
import os
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.config.feeds import (
    SETTINGS_OF_FEEDS,
    check_feed,
    check_framework,
    check_steps,
    check_xla,
)
from pitfalls.config.frameworks import FRAMEWORKS, versions_of
from pitfalls.config.pairs import arguments_of, refuse_pair
from pitfalls.config.schema import Config, checked_name, learning_rate_steps
from pitfalls.config.targets import importable
from pitfalls.errors import ConfigurationError
from pitfalls.results import MOST_HIGH, MOST_STEPS

CHOICES = {
    "framework": FRAMEWORKS,
    "feed.kind": tuple(SETTINGS_OF_FEEDS),
    "loss.kind": ("repairing", "broadcasting", "mse_loss"),
    "labels": ("as_they_come", "expanded"),
    "entry_point": ("train", "probe"),
    "not_installed": ("refuse", "leave_out"),
    "model.weights": ("trainable", "fixed"),
    "model.library": ("keras", *(name for name in FRAMEWORKS if name != "tensorflow")),
    "feed.hand_over": (
        "as_it_is",
        "asarray",
        "array_copy",
        "device_put",
        "device_put_no_alias",
        "numpy_copy",
    ),
    "feed.waits": ("nothing", "batch", "step"),
}

LEAST = {
    "task.high": (2, "with one integer there is nothing to learn"),
    "task.batch_size": (1, "a batch holds at least one row"),
    "training.epochs": (1, "a run trains at least one epoch"),
    "training.steps_per_epoch": (1, "an epoch has at least one step"),
    "training.steps_per_execution": (1, "an execution has at least one step"),
    "training.window_steps": (1, "the loss is measured over at least one step"),
    "feed.depth": (1, "a queue holds at least one batch"),
    "feed.workers": (1, "somebody must pull the generator"),
    "load": (1, "a matrix has at least one row"),
    "seed": (0, "NumPy's seeds are not negative"),
}

BATCHES_DRAWN_AT_ONCE = 100
"""As `pitfalls.lab.generators` draws them."""

COPIES_OF_AN_EPOCH = 3
"""What the recorder keeps of an epoch's batches at its end: in TensorFlow, in NumPy, and what is compared."""

MOST = {
    "task.high": (MOST_HIGH, "inputs and labels are compared in float32, which is exact up to there"),
    "seed": (2**32 - 1, "NumPy's and Keras's seeds have 32 bits"),
}


def check(config: Config) -> None:
    """Refuse a configuration that has the right types and still cannot be trained.

    Raises:
        ConfigurationError: Names the key, what was seen, why it cannot be, and a value that can.
    """
    for key, choices in CHOICES.items():
        if (value := attrgetter(key)(config)) is not None and value not in choices:
            raise ConfigurationError(f"{key}={value} does not exist.\nChoose one of: {', '.join(choices)}.")
    for key, (least, reason) in LEAST.items():
        if (value := attrgetter(key)(config)) is not None and value < least:
            raise ConfigurationError(f"{key}={value} is too small: {reason}.\nGive {key}={least} or more.")
    for key, (most, reason) in MOST.items():
        if (value := attrgetter(key)(config)) > most:
            raise ConfigurationError(f"{key}={value} is too large: {reason}.\nGive {key}={most} or less.")
    refuse_pair(config)
    versions_of(config.framework)
    check_framework(config)
    check_load(config)
    check_feed(config.feed)
    check_steps(config)
    check_xla(config)
    check_schedule(config.training.learning_rate)
    check_memory(config)
    check_length(config)
    checked_name(config.sweep)
    check_generator(config.generator)
    check_address(config.tracking.uri)


def check_load(config: Config) -> None:
    """Refuse a load where no step carries it, and a framework that has none to carry."""
    if config.framework != "jax" and config.load is not None:
        raise ConfigurationError(
            f"load={config.load} does nothing: steps of framework={config.framework} carry no load.\nLeave it out."
        )
    if config.framework == "jax" and config.load is None:
        raise ConfigurationError(
            "load is missing: every step of framework=jax carries one, 1 at least.\nGive load=200."
        )


def check_address(uri: str) -> None:
    """Refuse a server's address that holds a user or a password, and repeat neither: it gets into every run's files.

    MLflow reads both from the two variables that are named, which are in `mlflow.environment_variables`.
    """
    scheme, _, rest = uri.partition("://")
    credentials, is_there, _ = rest.partition("/")[0].rpartition("@")
    if is_there and scheme.lower() in ("http", "https"):
        raise ConfigurationError(
            "tracking.uri holds a user or a password, and would be written into the files of every run.\n"
            "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment, "
            f"and give tracking.uri={scheme}://{rest.removeprefix(credentials + '@')}."
        )


def check_memory(config: Config) -> None:
    """Refuse a training that does not fit into the memory of this machine, before TensorFlow tries."""
    task, training = config.task, config.training
    drawn = BATCHES_DRAWN_AT_ONCE * 2 * 8 * task.batch_size  # integers of many batches
    recorded = training.steps_per_epoch * (3 * task.batch_size + 1) * 4 * COPIES_OF_AN_EPOCH
    grouped = training.steps_per_execution * 3 * task.batch_size * 8
    needed = drawn + recorded + grouped + training.epochs * training.steps_per_epoch * 4 * 8
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise ConfigurationError(
            f"task.batch_size={task.batch_size} with training.steps_per_epoch={training.steps_per_epoch} needs "
            f"{gigabytes(needed)} of memory, and this machine has {gigabytes(there)}.\n"
            "Give smaller ones: the article has task.batch_size=64 and training.steps_per_epoch=1000."
        )


def check_length(config: Config) -> None:
    """Refuse a training whose claim would take hours, as the twin that it needs takes as many steps."""
    epochs, steps = config.training.epochs, config.training.steps_per_epoch
    if epochs * steps > MOST_STEPS:
        raise ConfigurationError(
            f"training.epochs={epochs} with training.steps_per_epoch={steps} is too long: "
            "the twin that its claim needs would take hours for as many steps.\n"
            f"Give at most {MOST_STEPS:,} steps in all."
        )


def gigabytes(size_bytes: int) -> str:
    """Print a size as people read it: ``23 GB``."""
    return f"{size_bytes / 1e9:,.0f} GB"


def check_schedule(learning_rate: Any) -> None:
    """Refuse a schedule that is no number and no mapping from rising first steps, 0 first."""
    try:
        schedule = learning_rate_steps(learning_rate)
        firsts = [first for first, _ in schedule]
        rising = firsts[0] == 0 and firsts == sorted(set(firsts))
        good = rising and all(0 < rate < float("inf") for _, rate in schedule)
    except (AttributeError, TypeError, ValueError, IndexError):
        good = False
    if not good:
        raise ConfigurationError(
            f"training.learning_rate={learning_rate} is no schedule.\n"
            "Give a positive number, or first steps and rates from step 0 on: "
            "training=article 'training.learning_rate={0: 0.1, 1500: 0.01}'."
        )


def check_generator(options: dict[str, Any]) -> None:
    """Refuse options that the generator's function does not take, or with which it makes no batch."""
    target = str(options.get("_target_"))
    function = importable("generator", target)
    given = arguments_of(options)
    known = [
        name for name in inspect.signature(function).parameters if name not in ("rng", "high", "batch_size")
    ]
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ConfigurationError(
            f"generator.{unknown[0]} is no argument of {target}.\nIt takes: {', '.join(known) or 'none'}."
        )
    try:
        next(iter(function(np.random.default_rng(0), 2, 1, **given)))
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{target} makes no batch with {given}: {type(error).__name__}: {error}.\n"
            "Name an option of conf/generator: generator=reused_inputs."
        ) from error


def refuse_unwritable(folder: Path) -> None:
    """Refuse an output folder that cannot be written to, before anything is trained.

    Raises:
        ConfigurationError: Names the folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        good = os.access(folder, os.W_OK)
    except OSError:
        good = False
    if not good:
        raise ConfigurationError(
            f"{folder} cannot be written to, so no result could be kept.\n"
            "Make it a folder that you can write to, or run from a copy of the project that is yours."
        )


def refuse_probe(config: Config) -> None:
    """Refuse a listing that is no training.

    Raises:
        ConfigurationError: Names probe.py.
    """
    if config.entry_point == "probe" and config.listing is None:
        raise ConfigurationError(
            "entry_point=probe trains nothing.\nRun python src/probe.py, or leave it out."
        )
    if config.entry_point == "probe":
        raise ConfigurationError(
            f"listing {config.listing} trains nothing: it holds two yields together and looks at them.\n"
            f"Run python src/probe.py experiment=listing_{config.listing}."
        )
