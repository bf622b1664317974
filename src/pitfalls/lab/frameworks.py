"""Frameworks: the one module of each that trains, loaded when it is first asked for, one a process."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np

from pitfalls.config.frameworks import FRAMEWORKS, keras_on
from pitfalls.config.schema import Config
from pitfalls.errors import ConfigurationError
from pitfalls.lab.generators import Batch
from pitfalls.lab.recorder import Recorder
from pitfalls.project import EpochHook
from pitfalls.startup import quick_imports

SESSIONS = {framework: f"pitfalls.lab.{framework}.session" for framework in FRAMEWORKS}
"""For each framework the module that opens its sessions."""


class Model(Protocol):
    """A model of any framework, as far as it is kept."""

    @property
    def artifact(self) -> str:
        """The name of its file: model.keras, model.npz."""

    def save(self, path: Path) -> None:
        """Write the model into a file."""


class Session(Protocol):
    """One training in one framework: built from a configuration, trained once, then asked."""

    @property
    def model(self) -> Model:
        """The model, trained or to be trained."""

    @property
    def recorder(self) -> Recorder:
        """What the model was given, step by step."""

    @property
    def declared_output(self) -> tuple[int | None, ...]:
        """The shape of the output that the model declares."""

    @property
    def trainable_parameters(self) -> int:
        """How many numbers the model learns."""

    def train(self, batches: Iterator[Batch]) -> None:
        """Train on a generator's batches, each step recorded."""

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return what the model answers, in the shape in which its loss is given it."""

    def difference_shape(self, labels: np.ndarray, prediction: np.ndarray) -> tuple[int, ...]:
        """Return the shape of the difference that the loss really computes, after any repair."""


_loaded: list[str] = []


def load(framework: str) -> Callable[[Config, EpochHook], Session]:
    """Import a framework, and return what opens a session of it.

    Raises:
        ConfigurationError: Another framework was loaded in this process: they share threads, allocators
            and environment variables, so neither would be measured alone.
    """
    if _loaded and _loaded[0] != framework:
        raise ConfigurationError(
            f"this process has trained with {_loaded[0]}, and one process trains one framework.\n"
            f"Train {framework} in a process of its own: one `python src/train.py` for each framework."
        )
    with quick_imports(wanted=framework), keras_on(framework):
        module = import_module(SESSIONS[framework])
    _loaded[:] = [framework]
    opens: Callable[[Config, EpochHook], Session] = module.open_session
    return opens
