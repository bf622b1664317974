"""The typed shape of conf/: what a run is told, checked before anything is trained.

Hydra composes conf/ into this shape, so a misspelt key or a value of the wrong type
fails at composition; `check` refuses what no type can.
"""

import hashlib
import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.config_store import ConfigStore
from hydra.utils import get_method
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pitfalls.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]
"""The project's folder: conf/, runs/ and the tracking store stand in it."""

AXES = ("runtime", "generator", "model", "seed")

TRAINING_FOLDERS = ("config", "lab")
"""The folders whose modules bear on what a run measures."""


@dataclass
class Task:
    """What is learned: the mean of two integers uniform on 0..high-1, in batches of batch_size."""

    high: int = MISSING
    batch_size: int = MISSING


@dataclass
class Feed:
    """How batches travel: `kind` is full_queue, fit, workers or thread_queue."""

    kind: str = MISSING
    depth: int = 10
    threaded: bool = False
    workers: int = 1


@dataclass
class Loss:
    """`kind` is aligned (Keras repairs ranks first) or unaligned (it broadcasts)."""

    kind: str = MISSING


@dataclass
class Training:
    """How long, and how fast: `learning_rate` is a number, or maps first steps to rates."""

    optimizer: str = "rmsprop"
    learning_rate: Any = MISSING
    epochs: int = MISSING
    epochs_for: dict[str, int] = field(default_factory=dict)
    steps_per_epoch: int = MISSING
    steps_per_execution: int = 1
    window_steps: int = MISSING
    window_steps_for: dict[str, int] = field(default_factory=dict)
    compile_with_xla: bool = False


@dataclass
class Tracking:
    """Where runs are tracked; `parent_run_id` and `launch` are filled in by a sweep."""

    enabled: bool = MISSING
    uri: str = ""
    artifacts: str = ""
    parent_run_id: str = ""
    launch: str = ""


@dataclass
class Config:
    """One run, or with ``--multirun`` many."""

    task: Task = field(default_factory=Task)
    generator: dict[str, Any] = field(default_factory=dict)
    feed: Feed = field(default_factory=Feed)
    labels: str = MISSING
    model: dict[str, Any] = field(default_factory=dict)
    loss: Loss = field(default_factory=Loss)
    training: Training = field(default_factory=Training)
    tracking: Tracking = field(default_factory=Tracking)
    listing: int | None = None
    entry_point: str = "train"
    seed: int = 0
    sweep: str = "manual"
    retrain: bool = False
    dry_run: bool = False


def register() -> None:
    """Make the shape known to Hydra, as `schema` in conf/config.yaml, and the resolvers that conf/ uses."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("root", lambda: str(ROOT), replace=True)
    OmegaConf.register_new_resolver("name", checked_name, replace=True)


@dataclass(frozen=True)
class Cell:
    """A run's place in the matrix."""

    runtime: str
    generator: str
    model: str
    seed: int

    def __str__(self) -> str:
        """Name the run as people read it: ``keras2 / reused_inputs / dense / 0``."""
        return f"{self.runtime} / {self.generator} / {self.model} / {self.seed}"


def cell_of(config: DictConfig, choices: DictConfig | dict[str, str]) -> Cell:
    """Return the cell that Hydra's choices of options and the seed name."""
    return Cell(choices["runtime"], choices["generator"], choices["model"], config.seed)


def without_hydra(composed: DictConfig) -> DictConfig:
    """Return a composed configuration without Hydra's own part, which resolves inside a Hydra job only."""
    return DictConfig({key: composed[key] for key in composed if key != "hydra"})


def plain(config: DictConfig) -> dict[str, Any]:
    """Return the resolved configuration of what is trained, as plain types.

    Raises:
        ConfigurationError: A value is missing or an interpolation leads nowhere.
    """
    try:
        resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        told = str(error).splitlines()[0]
        raise ConfigurationError(
            f"the configuration does not resolve: {told}\nGive a plain value."
        ) from error
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


CHOICES = {
    "feed.kind": ("full_queue", "fit", "workers", "thread_queue"),
    "loss.kind": ("aligned", "unaligned"),
    "labels": ("as_they_come", "expanded"),
    "training.optimizer": ("rmsprop",),
    "entry_point": ("train", "probe"),
    "model.weights": ("trainable", "fixed"),
}

LEAST = {
    "task.high": (2, "with fewer than two integers there is nothing to learn"),
    "task.batch_size": (1, "a batch holds at least one row"),
    "training.epochs": (1, "a run trains at least one epoch"),
    "training.steps_per_epoch": (1, "an epoch has at least one step"),
    "training.steps_per_execution": (1, "an execution has at least one step"),
    "training.window_steps": (1, "the loss is measured over at least one step"),
    "feed.depth": (1, "a queue holds at least one batch"),
    "feed.workers": (1, "somebody must pull the generator"),
    "seed": (0, "NumPy's seeds are not negative"),
}

MOST = {
    "task.high": (2**23, "inputs and labels are compared in float32, which is exact up to there"),
    "seed": (2**32 - 1, "NumPy's and Keras's seeds have 32 bits"),
}


def check(config: DictConfig) -> None:
    """Refuse a configuration that has the right types and still cannot be trained.

    Raises:
        ConfigurationError: Names the key, what was seen, why it cannot be, and a value that can.
    """
    for key, choices in CHOICES.items():
        if (seen := OmegaConf.select(config, key)) not in choices:
            raise ConfigurationError(f"{key}={seen} is no choice.\nChoose one of: {', '.join(choices)}.")
    for key, (least, reason) in LEAST.items():
        if (seen := OmegaConf.select(config, key)) < least:
            raise ConfigurationError(f"{key}={seen} cannot be: {reason}.\nGive {key}={least} or more.")
    for key, (most, reason) in MOST.items():
        if (seen := OmegaConf.select(config, key)) > most:
            raise ConfigurationError(f"{key}={seen} cannot be: {reason}.\nGive {key}={most} or less.")
    check_feed(config.feed)
    check_steps(config)
    check_schedule(config.training.learning_rate)
    checked_name(config.sweep)
    check_generator(config.generator)


def checked_name(sweep: str) -> str:
    """Return a sweep's name, which becomes a folder.

    Raises:
        ConfigurationError: It is a path, or no name at all.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", sweep):
        raise ConfigurationError(
            f"sweep={sweep} is no name: it becomes a folder below runs/.\n"
            "Give letters, digits, '.', '_' and '-', beginning with a letter or digit: sweep=mine."
        )
    return sweep


def check_feed(feed: DictConfig) -> None:
    """Refuse settings that a feed would not use, or that make another feed of it."""
    if feed.kind == "workers" and feed.workers < 2:
        raise ConfigurationError(
            f"feed.workers={feed.workers} is no parallel loading: Keras starts its queue from two workers on.\n"
            "Give feed.workers=2 or more, or runtime=keras3."
        )
    if feed.kind == "thread_queue" and not feed.threaded:
        raise ConfigurationError(
            "feed.threaded=false cannot be: feed=thread_queue is a thread that fills a queue.\n"
            "Give runtime=keras2, whose queue has no thread."
        )


def check_steps(config: DictConfig) -> None:
    """Refuse steps that an execution would round up in silence, or that a feed cannot group."""
    steps, at_once = config.training.steps_per_epoch, config.training.steps_per_execution
    if steps % at_once:
        raise ConfigurationError(
            f"training.steps_per_execution={at_once} does not divide training.steps_per_epoch={steps}: "
            f"Keras would run {-(-steps // at_once) * at_once} steps in silence.\n"
            f"Give training.steps_per_execution={max(d for d in range(1, at_once + 1) if steps % d == 0)}, "
            f"or training.steps_per_epoch={-(-steps // at_once) * at_once}."
        )
    if config.feed.kind == "thread_queue" and at_once != 1:
        raise ConfigurationError(
            f"training.steps_per_execution={at_once} would change what feed=thread_queue measures: "
            "it trains one batch for each queue.get().\nGive training.steps_per_execution=1."
        )


def learning_rate_steps(learning_rate: Any) -> list[tuple[int, float]]:
    """Return the schedule as (first step, rate) pairs; a single number holds from step 0."""
    if isinstance(learning_rate, (int, float)):
        return [(0, float(learning_rate))]
    return [(int(first), float(rate)) for first, rate in learning_rate.items()]


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


def importable(group: str, target: str) -> Callable[..., Any]:
    """Return the function that an option names.

    Raises:
        ConfigurationError: It cannot be imported.
    """
    try:
        return get_method(target)
    except Exception as error:
        raise ConfigurationError(
            f"{group}._target_={target} is no function that can be imported.\n"
            f"Name an option of conf/{group}: python src/train.py --help lists them."
        ) from error


def check_generator(options: DictConfig) -> None:
    """Refuse options that the generator's function does not take."""
    function = importable("generator", options._target_)
    known = [
        name for name in inspect.signature(function).parameters if name not in ("rng", "high", "batch_size")
    ]
    unknown = [str(key) for key in options if key not in [*known, "_target_"]]
    if unknown:
        raise ConfigurationError(
            f"generator.{unknown[0]} is no argument of {options._target_}.\n"
            f"It takes: {', '.join(known) or 'none'}."
        )
    given = {str(key): value for key, value in options.items() if key != "_target_"}
    try:
        next(iter(function(np.random.default_rng(0), 2, 1, **given)))
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{options._target_} makes no batch with {given}: {type(error).__name__}: {error}.\n"
            "Name an option of conf/generator: generator=reused_inputs."
        ) from error


def fingerprint(resolved: dict[str, Any]) -> str:
    """Return the hash of all that a run's measurements depend on.

    That is the resolved configuration without tracking, sweep and switches, the
    modules that bear on training, and the locked packages.
    """
    told = {k: v for k, v in resolved.items() if k not in ("tracking", "sweep", "retrain", "dry_run")}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    package = Path(__file__).parents[1]
    modules = [path for name in TRAINING_FOLDERS for path in sorted((package / name).rglob("*.py"))]
    for path in [*modules, ROOT / "requirements.lock"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
