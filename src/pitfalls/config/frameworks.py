"""Frameworks: what each is made of, the versions that are installed, and Keras's backend beside it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pitfalls.errors import ConfigurationError

LAB = Path(__file__).parents[1] / "lab"

PACKAGES = {
    "tensorflow": (("tensorflow-cpu", "tensorflow"), ("keras",)),
    "jax": (("jax",), ("jaxlib",), ("keras",)),
    "torch": (("torch",), ("keras",)),
}
"""For each framework its packages, each under the names of its distributions; of a further one, that of its name."""

FRAMEWORKS = (
    *PACKAGES,
    *sorted({path.parent.name for path in LAB.glob("*/session.py")}.difference(PACKAGES)),
)
"""The frameworks: each is a folder of lab/ with a session. Keras's backend on one has its name."""

SETUPS = {"torch": "make setup-torch"}
"""What installs a package that `make setup` does not."""


@lru_cache
def versions_of(framework: str) -> dict[str, str]:
    """Return the installed versions that a measurement depends on: NumPy's and the framework's."""
    packages = [("numpy",), *PACKAGES.get(framework, ((framework,),))]
    return dict(installed(distributions) for distributions in packages)


def why_missing(framework: str) -> str:
    """Return in one line what a framework lacks here and how to get it, nothing if it is installed."""
    try:
        versions_of(framework)
    except ConfigurationError as error:
        return str(error).replace("\n", " ")
    return ""


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
    name = distributions[0]
    raise ConfigurationError(f"{name} is not installed.\nRun `{SETUPS.get(name, 'make setup')}`.")


def refuse_another_backend(framework: str) -> None:
    """Refuse a Keras backend of the environment on which this framework's runtimes cannot train.

    Raises:
        ConfigurationError: Names the variable and both backends.
    """
    asked = os.environ.get("KERAS_BACKEND")
    if asked and asked != framework:
        raise ConfigurationError(
            f"KERAS_BACKEND={asked} is set in the environment, and this needs Keras on {framework}.\n"
            f"Unset it for this command: put `env -u KERAS_BACKEND` in front of it."
        )


@contextmanager
def keras_on(framework: str) -> Iterator[None]:
    """Let Keras be imported on a framework's backend in the body of a `with`, whatever ~/.keras says.

    Keras asks the environment when it is imported, and never again. Afterwards the variable is as it was: a
    process that is started from here may train with another framework.

    Raises:
        ConfigurationError: The environment names another backend.
    """
    refuse_another_backend(framework)
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = framework
    try:
        yield
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before
