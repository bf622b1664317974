"""The typed shape of conf/: what a run is told, resolved to plain types.

Hydra composes conf/ into this shape, so a misspelt key or a value of the wrong type
fails at composition; `pitfalls.config.refusals` refuses what no type can.
"""

import dataclasses
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from pitfalls.config.launchers import LAUNCHERS
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
    """How batches travel: `kind` is an option of conf/feed; a setting that a feed lacks is null."""

    kind: str = MISSING
    depth: int | None = None
    threaded: bool | None = None
    workers: int | None = None
    hand_over: str | None = None
    waits: str | None = None

    @property
    def places(self) -> int:
        """How many batches its queue holds."""
        assert self.depth is not None, "check_feed refuses a queue without a depth"
        return self.depth

    @property
    def has_thread(self) -> bool:
        """Whether a real thread fills the queue."""
        return self.kind == "thread_queue" or bool(self.threaded)


@dataclass
class Model:
    """The function that builds it, whether its weights are trainable or fixed, and its language: keras, jax or torch."""

    _target_: str = MISSING
    weights: str = MISSING
    library: str = "keras"


@dataclass
class Loss:
    """`kind` is repairing (Keras gives labels and predictions one rank first), broadcasting, or mse_loss (PyTorch's own)."""

    kind: str = MISSING


@dataclass
class Training:
    """How long, and how fast: `learning_rate` is a number, or maps first steps to rates."""

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
    """One run, or with ``--multirun`` many; `fingerprint` is filled in by a sweep.

    `load` is the side of the matrices that a step multiplies besides its own work, where a framework runs steps
    while the next batch is made; `takes` is what a runtime's generators may yield; `not_installed` says whether a sweep
    refuses the runs of a framework that is not installed, or leaves them out.
    """

    framework: str = "tensorflow"
    load: int | None = None
    takes: list[str] = field(default_factory=lambda: ["arrays"])
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
    not_installed: str = "refuse"
    fingerprint: str = ""


SWEEPER = {"_target_": "hydra_plugins.pitfalls_cells.CellSweeper", "max_batch_size": None, "params": None}


def register() -> None:
    """Make known to Hydra what conf/ names: the shape, the sweeper `cells`, the launchers, and the resolvers."""
    ConfigStore.instance().store(name="schema", node=Config)
    ConfigStore.instance().store(group="hydra/sweeper", name="cells", node=SWEEPER, provider="pitfalls")
    for name, launcher in LAUNCHERS.items():
        ConfigStore.instance().store(group="hydra/launcher", name=name, node=launcher, provider="pitfalls")
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
        ConfigurationError: A value is missing, an interpolation leads nowhere, or a key is unknown.
    """
    try:
        values = {str(key): plain(composed[key]) for key in composed if key != "hydra"}
    except OmegaConfBaseException as error:
        first_line = str(error).splitlines()[0]
        raise ConfigurationError(
            f"the configuration does not resolve: {first_line}\nGive a plain value."
        ) from error
    config: Config = built(Config, values)
    config.loss.kind = RENAMED_LOSSES.get(config.loss.kind, config.loss.kind)
    return config


def plain(value: Any) -> Any:
    """Return a part of a configuration as plain types."""
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)


def built(shape: Any, values: dict[str, Any], prefix: str = "") -> Any:
    """Return values in their shape; Hydra has held each to its type already.

    Raises:
        ConfigurationError: A key is unknown, which Hydra lets pass behind a `+`, or a part is null.
    """
    fields = {field.name: field for field in dataclasses.fields(shape)}
    for key, value in values.items():
        if key not in fields:
            raise ConfigurationError(unknown_key(f"{prefix}{key}", [f"{prefix}{name}" for name in fields]))
        if value is None and dataclasses.is_dataclass(fields[key].type):
            raise ConfigurationError(
                f"{prefix}{key}=null leaves nothing to train with.\nName an option of conf/{key}."
            )
    return shape(
        **{
            key: built(fields[key].type, value, f"{prefix}{key}.")
            if dataclasses.is_dataclass(fields[key].type)
            else value
            for key, value in values.items()
        }
    )


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say that a key does not exist, and which one may have been meant: the nearest, or its neighbours."""
    parent, dot, own = key.rpartition(".")
    beside = sorted({name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == parent})
    near = difflib.get_close_matches(own, beside, n=1)
    meant = f"Did you mean {parent}{dot}{near[0]}?" if near else ""
    meant = meant or f"Choose one of: {', '.join(f'{parent}{dot}{name}' for name in beside)}."
    return f"{key} does not exist in the configuration.\n{meant}"


def learning_rate_steps(learning_rate: Any) -> list[tuple[int, float]]:
    """Return the schedule as (first step, rate) pairs; a single number holds from step 0."""
    if isinstance(learning_rate, (int, float)):
        return [(0, float(learning_rate))]
    return [(int(first), float(rate)) for first, rate in learning_rate.items()]
