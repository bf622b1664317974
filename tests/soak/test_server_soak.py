"""A thousand runs on a tracking server with PostgreSQL behind it, by four processes; and one that is killed meanwhile."""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from killed_sweeps import KilledSweep
from made_server import Server, server_with_postgres, why_no_postgres

from pitfalls.project import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.skipif(bool(why_no_postgres()), reason=why_no_postgres())]

TINY = [
    "-m", "runtime=keras2", "model=mean_lambda", "generator=fresh_arrays", "training.epochs=1",
    "training.steps_per_epoch=20", "training.window_steps=20", "training.steps_per_execution=20",
    "hydra.launcher.workers=4",
]  # fmt: skip

BEFORE_THE_LAUNCH_SECONDS = 5.0
"""From the line that says how many runs there are until the last that a server is asked for before the first begins."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a server with PostgreSQL behind it."""
    with server_with_postgres() as server:
        yield server


@pytest.fixture
def sweep_of(server, tmp_path) -> Iterator:
    """Give a function that makes a sweep of so many runs on the server."""
    name = f"soak-{os.getpid()}-server"
    yield lambda runs: KilledSweep(name, tmp_path, [*TINY, f"seed=range({runs})"], server.uri)
    shutil.rmtree(ROOT / "runs" / name, ignore_errors=True)


def each_once(sweep: KilledSweep) -> Counter[int]:
    """Count how often a folder's run is in the store."""
    folders = Counter(run.data.tags["folder"] for run in sweep.tracked() if "role" not in run.data.tags)
    return Counter(folders.values())


def test_of_a_thousand_runs_none_is_lost_and_none_is_there_twice(sweep_of):
    """On disk and on the server."""
    sweep = sweep_of(1000)
    assert sweep.start().wait(timeout=2400) == 0
    assert len(sweep.results()) == 1000
    assert sweep.statuses() == {"FINISHED": 1000}
    assert each_once(sweep) == {1: 1000}
    assert sweep.parents() == {"FINISHED": 1}


def test_a_server_that_was_killed_has_every_run_once_after_track(server, sweep_of):
    """The sweep trains on and says so at its end; what came before, meanwhile and after is there."""
    sweep = sweep_of(300)
    started = sweep.start()
    wait_for_results(sweep, 60)
    server.kill()
    wait_for_results(sweep, 120)
    server.start()
    assert started.wait(timeout=1200) in (0, 2)
    assert len(sweep.results()) == 300
    subprocess.run([sys.executable, "src/track.py"], cwd=ROOT, check=True)
    assert sweep.statuses() == {"FINISHED": 300}
    assert each_once(sweep) == {1: 300}
    assert sweep.parents() == {"FINISHED": 1}


def test_the_first_of_500_runs_begins_soon(sweep_of):
    """What a server is asked for before it is little: a parent is searched once, and not for each run."""
    sweep = sweep_of(500)
    started = sweep.start()
    while "to train" not in (sweep.folder / "printed.txt").read_text():
        time.sleep(0.05)
    said = time.time()
    while not (parents := [run for run in sweep.tracked() if "role" in run.data.tags]):
        time.sleep(0.5)
    started.terminate()
    started.wait(timeout=120)
    took = parents[0].info.start_time / 1000 - said
    print(f"{took:.1f} s")
    assert took < BEFORE_THE_LAUNCH_SECONDS


def wait_for_results(sweep: KilledSweep, count: int) -> None:
    """Wait until so many runs have finished."""
    deadline = time.monotonic() + 600
    while len(list(sweep.runs.rglob("result.json"))) < count:
        assert time.monotonic() < deadline, (sweep.folder / "printed.txt").read_text()[-2000:]
        time.sleep(0.2)
