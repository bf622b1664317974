"""Targets: the functions that options of conf/ name."""

from collections.abc import Callable
from typing import Any

from hydra.utils import get_method

from pitfalls.errors import ConfigurationError

MOVED = {
    "pitfalls.generators": "pitfalls.lab.generators",
    "pitfalls.models": "pitfalls.lab.keras.models",
    "pitfalls.lab.tensorflow.models": "pitfalls.lab.keras.models",
}
"""Modules that options written for earlier versions name, and where they are now."""


def importable(group: str, target: str) -> Callable[..., Any]:
    """Return the function that an option names.

    Raises:
        ConfigurationError: It cannot be imported.
    """
    module, _, name = target.rpartition(".")
    try:
        return get_method(f"{MOVED.get(module, module)}.{name}")
    except Exception as error:
        raise ConfigurationError(
            f"{group}._target_={target} is no function that can be imported.\n"
            f"Name an option of conf/{group}: python src/train.py --help lists them."
        ) from error
