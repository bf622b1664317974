"""What every stage does first: check the interpreter and the packages, and silence what is not ours.

Written in syntax that an old Python can read, so that it can say what is wrong.
"""

import gc
import importlib.util
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LAB_PACKAGES = ("hydra", "keras", "mlflow", "numpy", "rich", "tensorflow")

INTERRUPTED = "Interrupted. Finished runs are kept. Run the same command to continue."

QUIET_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # the same float sums on every processor
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # with a server it prints two lines before it ends a run
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",  # a pickle beside a model is a program that runs when it is read
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a store that is away is said so in seconds, not minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
}


def prepare():
    # type: () -> None
    """Leave with a message if this Python cannot run the lab; else set its environment.

    Raises:
        SystemExit: The Python is older than 3.11 or a package of the lab is missing.
    """
    if sys.version_info < (3, 11):
        sys.exit(
            "pitfalls: this is Python {}.{}, and the lab needs Python 3.11 or newer.\n"
            "Run `make setup`, then `source .venv/bin/activate`.".format(*sys.version_info[:2])
        )
    missing = [name for name in LAB_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            "pitfalls: this Python ({}) has no {}.\n"
            "Run `make setup`, then `source .venv/bin/activate`.".format(sys.executable, ", ".join(missing))
        )
    stop_when_asked()
    os.environ.update(QUIET_ENVIRONMENT)


def stop_when_asked():
    # type: () -> None
    """Let SIGTERM do what Ctrl-C does, and let a second one end the process at once.

    A worker of somebody else's pool, and a command behind `&` that must not hear Ctrl-C, are left as they are.
    """
    if (
        multiprocessing.parent_process() is not None
        or threading.current_thread() is not threading.main_thread()
    ):
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    sys.excepthook = without_traceback_of_an_interrupt


asked = threading.Event()
"""Whether this process was asked to stop; an interrupt that is raised inside a callback is lost."""


def interrupt(number, frame):
    # type: (int, object) -> None
    """Raise KeyboardInterrupt, the first time."""
    asked.set()
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, lambda number, frame: os._exit(130))
    raise KeyboardInterrupt


def stop_if_asked():
    # type: () -> None
    """Raise KeyboardInterrupt if this process was asked to stop and the interrupt was lost."""
    if asked.is_set():
        raise KeyboardInterrupt


def without_traceback_of_an_interrupt(kind, error, trace):
    # type: (type, BaseException, object) -> None
    """Show an error that nobody caught; of an interrupt, while something is still imported, one line."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write(INTERRUPTED + "\n")
    else:
        sys.__excepthook__(kind, error, trace)  # type: ignore[arg-type]


ONLY_TRIED = ("jax", "matplotlib.pyplot", "sklearn")
"""What TensorFlow and Keras import for bridges, wrappers and galleries, and do without where it is not installed."""


@contextmanager
def hidden(*names: str) -> "Iterator[None]":
    """Let libraries not be found in the body of a `with`, unless they are loaded."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: not to be found
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextmanager
def quick_imports(wanted: str = "") -> "Iterator[None]":
    """Import large libraries in two thirds of the time, in the body of a `with`.

    What nothing here uses is not there for TensorFlow and Keras to find, unless it is wanted. No garbage
    collection walks the millions of objects that an import makes: not while it makes them, and never again,
    as they live as long as the process.
    """
    before, was_enabled = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        with hidden(*(name for name in ONLY_TRIED if name != wanted)):
            yield
    finally:
        if len(sys.modules) > before:  # else it would freeze the garbage of what ran since
            gc.freeze()
        if was_enabled:
            gc.enable()
