"""Nodes: what a job needs on another machine: this project's modules, and the environment of a start here."""

import os

from pitfalls.project import ROOT
from pitfalls.startup import QUIET_ENVIRONMENT


def environment_of_jobs() -> dict[str, str]:
    """Return the environment variables that each job starts with, whatever its node has.

    Without those of `startup.py`, oneDNN adds floats in another order and the same fingerprint stands for
    other numbers.
    """
    inherited = os.environ.get("PYTHONPATH")
    path = [str(ROOT / "src"), *([inherited] if inherited else [])]
    return QUIET_ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(path)}
