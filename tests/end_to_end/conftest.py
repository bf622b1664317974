"""Runs the stages as a user does, in processes of their own, with stores and sweeps that are thrown away."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import run_stage

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sweep() -> Iterator[str]:
    """Give the name of a sweep whose results are removed afterwards."""
    name = f"test-{os.getpid()}"
    shutil.rmtree(ROOT / "runs" / name, ignore_errors=True)
    yield name
    shutil.rmtree(ROOT / "runs" / name, ignore_errors=True)


@pytest.fixture
def run() -> Run:
    """Run a stage script with arguments, and return what it printed and its status."""

    return run_stage


@pytest.fixture
def store(tmp_path: Path) -> list[str]:
    """Give the overrides that track into a store of the test's own."""
    return [f"tracking.uri=sqlite:///{tmp_path}/mlflow.db", f"tracking.artifacts={tmp_path}/mlruns"]
