"""Settings: ``--set name=value``, typed by YAML's rules."""

from __future__ import annotations

import re
from typing import Any

from pitfalls.guard.findings import GuardError

Settings = dict[str, Any]
"""Arguments by name, of whatever type YAML gave them."""


def parse_settings(pairs: list[str]) -> Settings:
    """Return the arguments that ``--set`` gives.

    Raises:
        GuardError: A pair is not of the form ``name=value``, or its value is no YAML.
    """
    settings: Settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip().isidentifier():
            raise GuardError(f"--set {pair} is not of the form name=value.")
        settings[name.strip()] = parse_value(pair, text)
    return settings


def parse_value(pair: str, text: str) -> Any:
    """Read one value; ``1e-3`` is a number, as in YAML 1.2."""
    import yaml

    class Loader(yaml.SafeLoader):
        """PyYAML reads YAML 1.1, where ``1e-3`` is a string."""

    exponent = re.compile(r"^[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", exponent, list("-+0123456789"))
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise GuardError(f"--set {pair}: the value is no YAML ({str(error).splitlines()[0]}).") from error
