"""Every private name of TensorFlow, and of Keras on it, that the lab relies on, one function each.

Known: TensorFlow 2.21, Keras 3.15. Where a name is gone, the function says what is then slower
or not seen; a test lists them all.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

STEP_EXECUTOR = "SINGLE_THREADED_EXECUTOR"


def in_one_thread() -> AbstractContextManager[None]:
    """Return a context in which TensorFlow runs the operations of a function in the calling thread.

    A step is a few dozen operations of microseconds; TensorFlow's default hands each to a pool of
    threads. Only where a call is one step: a call of many pulls the iterator from a loop in the
    graph, and one thread then waits for itself for ever. Without the name, steps are slower.
    """
    try:
        from tensorflow.python.eager.context import function_executor_type
    except ImportError:
        return nullcontext()
    context: AbstractContextManager[None] = function_executor_type(STEP_EXECUTOR)
    return context


def train_function_of(model: keras.Model) -> Callable[[Any], Any]:
    """Return the function that `fit` calls with its iterator, once `make_train_function` has made it.

    Raises:
        RuntimeError: This Keras keeps it elsewhere.
    """
    function: Callable[[Any], Any] | None = getattr(model, "train_function", None)
    if function is None:
        raise RuntimeError(
            f"Keras {keras.__version__} keeps no model.train_function; the lab knows Keras 3.15.\n"
            "Install the locked packages: make setup."
        )
    return function
