"""Composing: the runs of a sweep share their configuration, up to a few values.

Hydra composes a run where it is checked and again in the process that trains it, 0.1 s
each time. Here what chooses options is composed once and travels with the jobs; values are set
on a copy, and runs that differ in numbers alone follow from two that were composed.

Every private name of Hydra that the lab relies on is here and in hydra_plugins/; known: Hydra 1.3.
"""

import dataclasses
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from pitfalls.config.places import refuse_run_elsewhere
from pitfalls.config.schema import Config, resolved
from pitfalls.project import AXES

RUN_S_OWN = (
    "seed",
    "load",
    "fingerprint",
    "hydra.sweep.subdir",
    "tracking.parent_run_id",
    "tracking.launch",
)
"""Keys that runs differ in and that choose no option; what interpolates them is resolved later."""

VALUE = re.compile(r"(?!hydra\.)\w+(\.\w+)+")
"""Keys with a dot choose no option either: Hydra sets them when it has composed the options, in their order."""

MOST_KEPT = 128
"""So many compositions are kept; all of them, 16 kB each, are sent with every job."""


class SharedComposition(ConfigLoaderImpl):
    """Hydra's loader of configurations, with one composition for all runs that choose the same options."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        """Compose from the places that Hydra searches."""
        super().__init__(config_search_path)
        self._kept: dict[tuple[str, ...], bytes] = {}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Return the configuration of one run of a sweep.

        Args:
            master_config: The sweep's own configuration.
            sweep_overrides: What the run adds to it.

        Raises:
            HydraException: The overrides do not fit the configuration.
            ConfigurationError: A run would leave its folder.
        """
        values = [override for override in sweep_overrides if is_value(override)]
        composed = self._composed(
            master_config, [override for override in sweep_overrides if not is_value(override)]
        )
        OmegaConf.copy_cache(from_config=master_config, to_config=composed)
        parsed = OverridesParser.create().parse_overrides(values)
        self._apply_overrides_to_config(parsed, composed)
        listed = composed.hydra.overrides
        for override in parsed:
            (listed.hydra if override.is_hydra_override() else listed.task).append(override.input_line)
        return composed

    def _composed(self, master_config: DictConfig, options: list[str]) -> DictConfig:
        """Return a new copy of what some overrides give."""
        if kept := self._kept.get(tuple(options)):
            return pickle.loads(kept)
        composed = super().load_sweep_config(master_config, options)
        refuse_run_elsewhere(composed)
        if len(self._kept) < MOST_KEPT:
            self._kept[tuple(options)] = pickle.dumps(composed)
        return composed


def is_value(override: str) -> bool:
    """Tell whether an override sets a value in what options give, and chooses none."""
    key, is_set, _ = override.partition("=")
    return bool(is_set) and (key in RUN_S_OWN or VALUE.fullmatch(key) is not None)


@dataclass
class Composed:
    """A run's configuration in plain types, and the option that it has on each axis.

    Attributes:
        config: What the run is told.
        choices: For each axis its option.
        free: Keys that were seen to change nothing but themselves when they were given another number.
    """

    config: Config
    choices: dict[str, str]
    free: frozenset[str] = frozenset()


class Compositions:
    """The configurations of a sweep's runs; those that differ in numbers alone follow from a few that are composed."""

    def __init__(self, compose: Callable[[list[str]], DictConfig]) -> None:
        """Take what composes one run."""
        self._compose = compose
        self._kept: dict[tuple[str, ...], Composed] = {}

    def of(self, overrides: list[str]) -> Composed:
        """Return the configuration of a run; its parts, which runs share, are not to be changed.

        Raises:
            HydraException: The overrides do not fit the configuration.
            ConfigurationError: They do not resolve, or the run would leave its folder.
        """
        numbers = numbers_in(overrides)
        others = tuple(
            override.partition("=")[0] if is_number(override) else override for override in overrides
        )
        kept = self._kept.get(others)
        changed = {key for key, number in numbers.items() if kept and number_at(kept.config, key) != number}
        expected = kept and with_numbers(kept.config, {key: numbers[key] for key in changed})
        if kept and expected and changed <= kept.free:
            return Composed(expected, kept.choices)
        composed = self._composed(overrides)
        free = kept.free if kept else frozenset()
        if expected == composed.config:
            free |= changed
        self._kept[others] = Composed(dataclasses.replace(composed.config), composed.choices, free)
        return composed

    def _composed(self, overrides: list[str]) -> Composed:
        """Compose a run as Hydra does."""
        composed = self._compose(overrides)
        return Composed(
            resolved(composed), {axis: str(composed.hydra.runtime.choices[axis]) for axis in AXES}
        )


def is_number(override: str) -> bool:
    """Tell whether an override sets a value to a whole number, as Hydra reads one."""
    return is_value(override) and re.fullmatch(r"0|-?[1-9]\d*", override.partition("=")[2]) is not None


def numbers_in(overrides: list[str]) -> dict[str, int]:
    """Return the keys that overrides set to whole numbers, and these; of two for one key the last counts."""
    pairs = (override.split("=", 1) for override in overrides if is_number(override))
    return {key: int(text) for key, text in pairs}


def number_at(config: Any, key: str) -> int | None:
    """Return the whole number under a dotted key, None if something else is there."""
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else getattr(config, part, None)
    return config if type(config) is int else None


def with_numbers(config: Config, numbers: dict[str, int]) -> Config | None:
    """Return a copy of a configuration with other numbers under some keys, None if one of them has none there."""
    if any(number_at(config, key) is None for key in numbers):
        return None
    copy: Config = dataclasses.replace(config)
    for key, number in numbers.items():
        copy = with_number(copy, key.split("."), number)
    return copy


def with_number(part: Any, keys: list[str], number: int) -> Any:
    """Return a copy of a part of a configuration with another number under a path of keys."""
    first, *further = keys
    if isinstance(part, dict):
        return {**part, first: with_number(part[first], further, number) if further else number}
    value = with_number(getattr(part, first), further, number) if further else number
    return dataclasses.replace(part, **{first: value})
