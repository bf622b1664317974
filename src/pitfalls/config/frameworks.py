"""Frameworks: what each is made of, and the versions that are installed."""

import os
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from pitfalls.errors import ConfigurationError

FRAMEWORKS = {"tensorflow": (("tensorflow-cpu", "tensorflow"), ("keras",))}
"""For each framework its packages, each under the names of its distributions."""

KERAS_BACKENDS = {"tensorflow": "tensorflow"}
"""The backend on which Keras runs beside each framework."""


@lru_cache
def versions_of(framework: str) -> dict[str, str]:
    """Return the installed versions that a measurement depends on: NumPy's and the framework's."""
    packages = [("numpy",), *FRAMEWORKS[framework]]
    return dict(installed(distributions) for distributions in packages)


def installed(distributions: tuple[str, ...]) -> tuple[str, str]:
    """Return name and version of the first distribution that is installed.

    Raises:
        ConfigurationError: None is.
    """
    for name in distributions:
        try:
            return name, version(name)
        except PackageNotFoundError:
            continue
    raise ConfigurationError(f"{distributions[0]} is not installed.\nRun `make setup`.")


def refuse_another_backend(framework: str) -> None:
    """Refuse a Keras backend of the environment on which this framework's runtimes cannot train.

    Raises:
        ConfigurationError: Names the variable and both backends.
    """
    needed, asked = KERAS_BACKENDS[framework], os.environ.get("KERAS_BACKEND")
    if asked and asked != needed:
        raise ConfigurationError(
            f"KERAS_BACKEND={asked} is set in the environment, and this needs Keras on {needed}.\n"
            f"Unset it for this command: put `env -u KERAS_BACKEND` in front of it."
        )
