"""Overrides: what is typed behind a command is looked at before Hydra composes it.

Hydra takes any key behind a `+`, and for a misspelt one without it advises to add a `+`: both
would train something else than was meant.
"""

import dataclasses
import difflib
from collections.abc import Iterator
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override
from hydra.errors import HydraException

from pitfalls.config.places import refuse_hydra_key, refuse_path
from pitfalls.config.schema import Config, unknown_key
from pitfalls.errors import ConfigurationError
from pitfalls.project import AXES, ROOT

FREE = ("generator.", "hydra.", "hydra/", "training.learning_rate.")
"""Where keys are not known here: a generator's options, which its function is asked for, steps of a schedule, Hydra's own."""

OWN_FILES = ("--config-dir", "-cd", "hydra.searchpath")
"""Words that bring options from elsewhere, which Hydra then knows better."""

MAY_BE_NULL = (
    "experiment",
    "listing",
    "load",
    "feed.depth",
    "feed.threaded",
    "feed.workers",
    "feed.hand_over",
    "feed.waits",
)


def refuse_unknown(arguments: list[str]) -> None:
    """Refuse keys that do not exist, and groups that are taken away.

    Args:
        arguments: The words behind the command; those that begin with a dash are Hydra's.

    Raises:
        ConfigurationError: Names the nearest key, or the options of the group.
    """
    overrides = list(parsed(arguments))
    for override in overrides:
        refuse_elsewhere(override)
    if any(word.startswith(OWN_FILES) for word in arguments):
        return
    groups = options_of_groups()
    known = [*groups, *keys_of(Config)]
    for override in overrides:
        key = override.key_or_group
        if key.startswith(FREE):
            continue
        if key not in known:
            raise ConfigurationError(unknown_key(key, known))
        if key in groups:
            refuse_unknown_option(override, groups[key])
        elif override.value() is None and key not in MAY_BE_NULL:
            raise ConfigurationError(
                f"{key}=null leaves nothing to train with.\nLeave it out, or give a value."
            )


def refuse_unknown_option(override: Override, options: list[str]) -> None:
    """Refuse an option of a group that does not exist, and a group that is taken away.

    Raises:
        ConfigurationError: Names the nearest option, and all of them.
    """
    group, value = override.key_or_group, override.value()
    choices = f"Choose one of: {', '.join(options)}."
    if value is None and group not in MAY_BE_NULL:
        raise ConfigurationError(f"{group}=null leaves nothing to train with.\n{choices}")
    for option in options_in(override):
        if not isinstance(value, Glob) and option not in (*options, "None"):
            near = difflib.get_close_matches(option, options, n=1)
            meant = f"Did you mean {group}={near[0]}? " if near else ""
            raise ConfigurationError(f"{group}={option} does not exist.\n{meant}{choices}")


def options_in(override: Override) -> list[str]:
    """Return the options that an override names: one, or those that it sweeps over."""
    value = override.value()
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    return [getattr(item, "text", str(item)) for item in values]


def refuse_elsewhere(override: Override) -> None:
    """Refuse what would put a run where nothing finds it again.

    Raises:
        ConfigurationError: Names it.
    """
    key = override.key_or_group
    if key.partition(".")[0].partition("/")[0] == "hydra":
        refuse_hydra_key(key, override.input_line or key)
    elif key in AXES and not isinstance(override.value(), Glob):
        for option in options_in(override):
            refuse_path(key, option)


def parsed(arguments: list[str]) -> Iterator[Override]:
    """Yield the overrides among some arguments; what is none is left to Hydra, which says so."""
    words = [word for word in arguments if not word.startswith("-") and ("=" in word or word.startswith("~"))]
    parser = OverridesParser.create()
    for word in words:
        try:
            yield parser.parse_override(word)
        except HydraException:
            continue


def options_of_groups() -> dict[str, list[str]]:
    """Return the options of each group of conf/."""
    groups = sorted(path for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name != "hydra")
    return {group.name: sorted(path.stem for path in group.glob("*.yaml")) for group in groups}


def keys_of(shape: Any, prefix: str = "") -> Iterator[str]:
    """Yield every key of the configuration, dotted."""
    for field in dataclasses.fields(shape):
        yield f"{prefix}{field.name}"
        if dataclasses.is_dataclass(field.type):
            yield from keys_of(field.type, f"{prefix}{field.name}.")
        elif isinstance(field.default_factory, type) and field.name.endswith("_for"):
            yield from (f"{prefix}{field.name}.{weights}" for weights in ("trainable", "fixed"))
