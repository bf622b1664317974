"""The typed shape of conf/: what a run is told, resolved to plain types.

Hydra composes conf/ into this shape, so a misspelt key or a value of the wrong type
fails at composition; `pitfalls.config.refusals` refuses what no type can.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pitfalls.errors import ConfigurationError
from pitfalls.project import ROOT
from pitfalls.results import RENAMED_LOSSES


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
class Model:
    """The function that builds it, and whether its weights are trainable or fixed."""

    _target_: str = MISSING
    weights: str = MISSING


@dataclass
class Loss:
    """`kind` is repairing (Keras gives labels and predictions one rank first) or broadcasting."""

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
    """One run, or with ``--multirun`` many; `fingerprint` is filled in by a sweep."""

    framework: str = "tensorflow"
    task: Task = field(default_factory=Task)
    generator: dict[str, Any] = field(default_factory=dict)
    feed: Feed = field(default_factory=Feed)
    labels: str = MISSING
    model: Model = field(default_factory=Model)
    loss: Loss = field(default_factory=Loss)
    training: Training = field(default_factory=Training)
    tracking: Tracking = field(default_factory=Tracking)
    listing: int | None = None
    entry_point: str = "train"
    seed: int = 0
    sweep: str = "manual"
    retrain: bool = False
    dry_run: bool = False
    fingerprint: str = ""


SWEEPER = {"_target_": "hydra_plugins.pitfalls_cells.CellSweeper", "max_batch_size": None, "params": None}


def register() -> None:
    """Make known to Hydra what conf/ names: the shape, the sweeper `cells`, and the resolvers."""
    ConfigStore.instance().store(name="schema", node=Config)
    ConfigStore.instance().store(group="hydra/sweeper", name="cells", node=SWEEPER, provider="pitfalls")
    OmegaConf.register_new_resolver("root", lambda: str(ROOT), replace=True)
    OmegaConf.register_new_resolver("name", checked_name, replace=True)


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


def resolved(composed: DictConfig) -> Config:
    """Return what Hydra composed as plain types, without Hydra's own part.

    Raises:
        ConfigurationError: A value is missing, or an interpolation leads nowhere.
    """
    own = OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"])
    try:
        told = OmegaConf.to_container(own, resolve=True, throw_on_missing=True)
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), told))
    except OmegaConfBaseException as error:
        first_line = str(error).splitlines()[0]
        raise ConfigurationError(
            f"the configuration does not resolve: {first_line}\nGive a plain value."
        ) from error
    assert isinstance(config, Config)
    config.loss.kind = RENAMED_LOSSES.get(config.loss.kind, config.loss.kind)
    return config


def learning_rate_steps(learning_rate: Any) -> list[tuple[int, float]]:
    """Return the schedule as (first step, rate) pairs; a single number holds from step 0."""
    if isinstance(learning_rate, (int, float)):
        return [(0, float(learning_rate))]
    return [(int(first), float(rate)) for first, rate in learning_rate.items()]
