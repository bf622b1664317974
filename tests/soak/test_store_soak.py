"""Many trainings that begin at once, where there is no store yet: none fails, round after round."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pitfalls.project import ROOT

TINY = ("training.epochs=1", "training.steps_per_epoch=20", "training.window_steps=20")


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(10))
def test_eight_trainings_begin_at_once_without_a_store(tmp_path: Path, round_: int):
    """Each is trained, written and tracked, and nothing is left beside the store."""
    sweep = f"soak-{os.getpid()}-{round_}"
    store = (f"tracking.uri=sqlite:///{tmp_path}/mlflow.db", f"tracking.artifacts={tmp_path}/mlruns")
    command = [sys.executable, "src/train.py", f"sweep={sweep}", *TINY, *store]
    try:
        processes = [
            subprocess.Popen([*command, f"seed={seed}"], cwd=ROOT, stdout=subprocess.DEVNULL)
            for seed in range(8)
        ]
        assert [process.wait(timeout=300) for process in processes] == [0] * 8
        assert len(list((ROOT / "runs" / sweep).glob("**/result.json"))) == 8
    finally:
        shutil.rmtree(ROOT / "runs" / sweep, ignore_errors=True)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        assert connection.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall() == [
            ("FINISHED", 8)
        ]
    assert {path.name for path in tmp_path.iterdir()} <= {"mlflow.db", "mlruns"}
