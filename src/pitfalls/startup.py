"""What every stage does first: check the interpreter and the packages, and silence what is not ours.

Written in syntax that an old Python can read, so that it can say what is wrong.
"""

import importlib.util
import os
import sys

LAB_PACKAGES = ("hydra", "keras", "mlflow", "numpy", "rich", "tensorflow")

QUIET_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # the same float sums on every processor
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
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
            "pitfalls: this is Python {}.{}, and the lab needs 3.11.\n"
            "Run `make setup`, then `source .venv/bin/activate`.".format(*sys.version_info[:2])
        )
    missing = [name for name in LAB_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            "pitfalls: this Python ({}) has no {}.\n"
            "Run `make setup`, then `source .venv/bin/activate`.".format(sys.executable, ", ".join(missing))
        )
    os.environ.update(QUIET_ENVIRONMENT)
