"""Importing: TensorFlow with Keras, and MLflow, cost seconds in every process that needs them."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

KERAS_ONLY_TRIES = ("sklearn", "matplotlib.pyplot")
"""What Keras imports for wrappers and galleries, and does without where it is not installed."""


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import large libraries in two thirds of the time, in the body of a `with`.

    What nothing here uses is not there for Keras to find. No garbage collection walks the
    millions of objects that an import makes: not while it makes them, and never again, as
    they live as long as the process.
    """
    hidden = [name for name in KERAS_ONLY_TRIES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: not to be found
    before = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:  # else it would freeze the garbage of what ran since
            gc.freeze()
        gc.enable()
        for name in hidden:
            del sys.modules[name]
