"""Check: run the guard on a fresh instance of every generator, and on every model with it.

It runs outside training, because nothing of ours may stand before `fit`, and from the same seed.
The guard gets the batches as they are yielded and the loss of the runtime. What `keras2` does to
flat labels happens later, as does Keras 3's own repair.

One process loads one framework, so that each but TensorFlow is checked in a process of its own.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pitfalls.config.frameworks import FRAMEWORKS, why_missing
from pitfalls.errors import ResultError
from pitfalls.project import ROOT
from pitfalls.stages.guarded import checked_with
from pitfalls.verdicts.guard import GuardReport

HERE = "tensorflow"
"""The framework that is checked in this process."""

SECONDS = 600
"""After which a framework's process is ended: one takes ten seconds."""


def check_all(seed: int) -> GuardReport:
    """Check every generator, and every model under every runtime that conf/ names and that can run here.

    Cells of a framework that is not installed have no entry, nor have the generators that are checked with it.

    Args:
        seed: Of the generators' draws.

    Raises:
        ConfigurationError: The environment asks for a Keras backend, and this needs one for each framework.
        ResultError: The process of a framework failed.
    """
    reports = [checked_with(HERE, seed)]
    others = [name for name in FRAMEWORKS if name != HERE and not why_missing(name)]
    return merged([*reports, *(checked_elsewhere(framework, seed) for framework in others)])


def merged(reports: list[GuardReport]) -> GuardReport:
    """Return what several frameworks' processes found, as one report."""
    return GuardReport(
        generators=sorted(
            (entry for report in reports for entry in report.generators), key=lambda entry: entry.generator
        ),
        models=[entry for report in reports for entry in report.models],
    )


def checked_elsewhere(framework: str, seed: int) -> GuardReport:
    """Return what the guard says with a framework, in a process of its own.

    Raises:
        ResultError: It failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "guard.json")
        command = [sys.executable, str(ROOT / "src" / "check.py"), "--seed", str(seed)]
        done = subprocess.run(
            [*command, "--framework", framework, "--to", str(place)],
            capture_output=True,
            text=True,
            env={**os.environ, "KERAS_BACKEND": framework},
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise ResultError(f"the guard could not check the cells of {framework}:\n{done.stderr[-2000:]}")
        return GuardReport.read(place)
