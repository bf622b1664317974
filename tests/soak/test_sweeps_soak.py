"""Long forms: a hundred kills, a thousand runs, a store that is lost after two hundred."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from killed_sweeps import CELLS, GONE_WITHIN_SECONDS, KilledSweep, is_worker
from stores import contents_of

from pitfalls.project import ROOT

pytestmark = pytest.mark.soak

TINY = [
    "training.epochs=1", "training.steps_per_epoch=20", "training.window_steps=20", "training.steps_per_execution=20",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cleared() -> Iterator[None]:
    """Remove what these sweeps leave."""
    yield
    for folder in (ROOT / "runs").glob(f"soak-{os.getpid()}-*"):
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> tuple[dict, float]:
    """Give the results of a sweep that nobody killed, and how long it took, in seconds."""
    sweep = KilledSweep(f"soak-{os.getpid()}-reference", tmp_path_factory.mktemp("reference"))
    started = time.monotonic()
    assert sweep.finish() == 0
    return sweep.results(), time.monotonic() - started


@pytest.mark.parametrize("round_", range(100))
def test_a_killed_sweep_ends_with_every_result(reference, tmp_path, round_):
    """Parent, worker or group; KILL, TERM or INT; at any moment: then the same line gives what it would have given."""
    whole, longest = reference
    whom = ("parent", "worker", "group")[round_ % 3]
    number = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[round_ // 3 % 3]
    sweep = KilledSweep(f"soak-{os.getpid()}-{round_}", tmp_path)
    assert sweep.kill(random.Random(round_), whom, number, longest) < GONE_WITHIN_SECONDS
    was_killed = bool(list(sweep.runs.rglob("error.txt")))
    assert sweep.finish() == 0
    assert sweep.results() == whole
    assert sweep.left_behind() == []
    statuses = sweep.statuses()
    assert statuses.pop("FINISHED") == CELLS
    assert statuses.pop("FAILED", 0) == was_killed  # by SIGKILL, a worker alone: that is an error
    assert set(statuses) <= {"KILLED"}
    assert sweep.parents() == {"FINISHED": 1}


@pytest.fixture(scope="module")
def thousand(tmp_path_factory) -> Iterator[tuple[KilledSweep, dict[int, list[int]]]]:
    """Give a sweep of 1,000 runs by four workers, and the bytes of each worker as time went on."""
    line = [
        "-m",
        "runtime=keras2",
        "model=mean_lambda",
        "seed=range(1000)",
        *TINY,
        "hydra.launcher.workers=4",
    ]
    sweep = KilledSweep(f"soak-{os.getpid()}-thousand", tmp_path_factory.mktemp("thousand"), line)
    bytes_of: dict[int, list[int]] = {}
    over = threading.Event()

    def watch(parent: int) -> None:
        while not over.wait(1):
            for process in psutil.Process(parent).children(recursive=True):
                if is_worker(process):
                    bytes_of.setdefault(process.pid, []).append(process.memory_info().rss)

    started = sweep.start()
    watcher = threading.Thread(target=watch, args=(started.pid,), daemon=True)
    watcher.start()
    assert started.wait(timeout=3000) == 0
    over.set()
    yield sweep, bytes_of


def test_of_a_thousand_runs_none_is_lost_and_none_is_there_twice(thousand):
    """On disk and in the store."""
    sweep, _ = thousand
    assert len(sweep.results()) == 1000
    assert sweep.statuses() == {"FINISHED": 1000}
    assert len(contents_of(sweep.store)) == 1001  # each by its folder, and the parent


def test_workers_do_not_grow(thousand):
    """The largest at any time against what a worker has once it has begun to train."""
    _, bytes_of = thousand
    began = sorted(sizes[min(5, len(sizes) - 1)] for sizes in bytes_of.values())
    assert max(max(sizes) for sizes in bytes_of.values()) - began[len(began) // 2] < 50e6


def test_a_store_that_is_lost_after_two_hundred_runs_is_made_again(tmp_path):
    """Equal run by run."""
    line = ["-m", "runtime=keras2", "model=dense", "generator=reused_inputs", "seed=range(200)", *TINY]
    sweep = KilledSweep(f"soak-{os.getpid()}-lost", tmp_path, line)
    assert sweep.finish() == 0
    before = contents_of(sweep.store)
    Path(tmp_path / "mlflow.db").unlink()
    subprocess.run([sys.executable, "src/track.py"], cwd=ROOT, check=True)
    after = contents_of(sweep.store)
    assert sum(after.get(place) == held for place, held in before.items()) == 201
