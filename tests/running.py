"""Runs a stage as a user does, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_stage(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a stage script with arguments, and return what it printed and its status."""
    return subprocess.run(
        [sys.executable, f"src/{script}.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
