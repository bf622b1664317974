"""Sweeps that meet trouble: cells that die, commands that are killed, two at once, a store that is lost."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from killed_sweeps import GONE_WITHIN_SECONDS, OF_EACH, KilledSweep, is_worker, wait_until_gone
from stores import contents_of

from pitfalls.config.frameworks import why_missing
from pitfalls.project import ROOT

SHORT = [
    "-m", "runtime=keras2", "task.high=10", "task.batch_size=4", "training.epochs=1",
    "training.steps_per_epoch=200", "training.window_steps=100",
]  # fmt: skip

EIGHT = [*SHORT, "generator=fresh_arrays,reused_inputs", "model=mean_lambda,flat_mean_lambda", "seed=0,1"]

ENDINGS = {
    "raising": "ValueError: no more data",
    "exiting": "SystemExit: 3",
    "leaving": "its process ended without an error.",
    "killed": "its process was ended by SIGKILL: killed by hand, or for want of memory.",
    "crashing": "its process was ended by SIGSEGV.",
    "starving": "MemoryError",
    "stopped": "stopped: its process was ended by SIGTERM",
}
"""For each generator that ends badly what is said of its run."""


@pytest.fixture
def line(sweep, store, tmp_path) -> KilledSweep:
    """Give a sweep of eight short cells in a store of its own."""
    return KilledSweep(sweep, tmp_path, EIGHT)


def test_each_cell_ends_alone_and_is_trained_once_it_is_mended(run, sweep, store, tmp_path):
    """Whatever ends a cell ends no other; error.txt, the store, the last lines and the exit status say which."""
    targets = ",".join(f"ending_generators.{name}" for name in ("sound", *ENDINGS))
    words = [*SHORT, *store, "model=mean_lambda", f"generator._target_={targets}", f"sweep={sweep}"]
    path = {"PYTHONPATH": str(ROOT / "tests")}
    told = run("train", *words, **path)
    assert told.returncode == 1
    assert f"{len(ENDINGS)} of {len(ENDINGS) + 1} runs failed; the others are kept." in told.stderr
    assert "Traceback" not in told.stderr
    assert "failed  ValueError: no more data  runs/" in told.stdout
    folder = ROOT / "runs" / sweep / "keras2" / "fresh_arrays" / "mean_lambda" / "seed-0"
    store_says = {
        Path(place).name.rpartition(".")[2]: held
        for place, held in contents_of(store[0].split("=", 1)[1]).items()
    }
    for name, why in ENDINGS.items():
        assert f"@generator._target_=ending_generators.{name}: {why}\n" in told.stderr
        error = folder / f"@generator._target_=ending_generators.{name}" / "error.txt"
        assert store_says[name]["status"] == ("KILLED" if name == "stopped" else "FAILED")
        if name == "stopped":
            assert not error.exists()
            continue
        assert error.read_text().splitlines()[0] == why
        assert store_says[name]["tags"]["error"] == why
        assert str(error.relative_to(ROOT)) in store_says[name]["tags"]["mlflow.note.content"]
        assert store_says[name]["artifacts"]["error.txt"] == error.read_bytes()
    assert (
        "in batches\n" in (folder / "@generator._target_=ending_generators.raising" / "error.txt").read_text()
    )
    assert store_says["sound"]["status"] == "FINISHED"

    alone = re.search(r"^    (python src/train.py .*ending_generators.raising.*)$", told.stderr, re.M)[1]
    again = subprocess.run(
        alone.replace("python", sys.executable, 1), shell=True, cwd=ROOT, env=os.environ | path | {"MENDED": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1 run: 0 finished before, 1 to train." in again.stdout
    assert again.returncode == 0, again.stderr
    mended = run("train", *words, **path, MENDED="1")
    assert mended.returncode == 0, mended.stderr
    assert f"{len(ENDINGS) + 1} runs: 2 finished before, {len(ENDINGS) - 1} to train." in mended.stdout
    assert list(folder.rglob("error.txt")) == []


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_sweep_that_was_stopped_goes_on(line, signal_name):
    """Workers are gone in seconds, and after the next start nothing runs and nothing that was stopped failed."""
    longest = 20 if signal_name != "SIGKILL" else 12
    lived = line.kill(random.Random(signal_name), "group" if signal_name == "SIGTERM" else "parent",
                      signal.Signals[signal_name], longest)  # fmt: skip
    assert lived < GONE_WITHIN_SECONDS
    assert line.finish() == 0
    assert len(line.results()) == 8
    assert line.left_behind() == []
    assert line.statuses()["FINISHED"] == 8
    assert set(line.statuses()) <= {"FINISHED", "KILLED"}
    assert set(line.parents()) == {"FINISHED"}


def test_a_sweep_that_was_killed_after_its_last_result_is_ended_by_the_next(line):
    """Nothing is left to train, but a parent is open, and locks of the dead lie about."""
    killed = line.start()
    while len(list(line.runs.rglob("result.json"))) < 8:
        assert killed.poll() is None
        time.sleep(0.005)
    family = psutil.Process(killed.pid).children(recursive=True)
    killed.kill()
    killed.wait()
    assert wait_until_gone(family, GONE_WITHIN_SECONDS)
    assert line.parents() == {"RUNNING": 1}
    assert line.left_behind() != []
    assert line.finish() == 0
    assert line.left_behind() == []
    assert line.statuses() == {"FINISHED": 8}
    assert line.parents() == {"FINISHED": 1}


def test_one_sweep_trains_every_framework(run, sweep):
    """One after another, each in processes that have trained nothing else."""
    runtimes = [name for framework, name in OF_EACH.items() if not why_missing(framework)]
    words = [*SHORT, "model=mean_lambda", f"runtime={','.join(runtimes)}", f"sweep={sweep}", "tracking=off"]
    told = run("train", *[word for word in words if word != "runtime=keras2"])
    assert told.returncode == 0, told.stderr
    assert f"{len(runtimes)} of {len(runtimes)} claims hold." in told.stdout


def test_a_second_ctrl_c_ends_at_once(line):
    """Whatever the first one still closes."""
    started = line.start()
    while not any(map(is_worker, psutil.Process(started.pid).children(recursive=True))):
        time.sleep(0.1)
    family = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGINT)
    time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=GONE_WITHIN_SECONDS) in (130, -signal.SIGINT)  # a shell calls both 130
    assert wait_until_gone(family, GONE_WITHIN_SECONDS)


def test_two_sweeps_of_one_line_train_each_cell_once(line):
    """The second takes what nobody has, and waits for the rest."""
    both = [line.start(), line.start()]
    assert [one.wait(timeout=400) for one in both] == [0, 0]
    assert len(line.results()) == 8
    assert line.statuses() == {"FINISHED": 8}
    assert line.parents() == {"FINISHED": 1}


def test_a_run_waits_for_the_sweep_that_trains_it(run, line, sweep, store):
    """And takes its result; both end well."""
    started = line.start()
    words = [word.split(",")[0] for word in EIGHT[1:]]
    while not (
        lock := line.runs / "keras2" / "fresh_arrays" / "mean_lambda" / "seed-0" / "cell.lock"
    ).exists():
        assert started.poll() is None, "it was too quick for this test"
        time.sleep(0.02)
    told = run("train", *words, *store, f"sweep={sweep}")
    assert (told.returncode, started.wait(timeout=400)) == (0, 0)
    assert "has finished before" in told.stdout
    assert line.statuses() == {"FINISHED": 8}
    assert not lock.exists()


def test_a_lost_store_is_made_again_from_what_is_kept(run, sweep, store, tmp_path):
    """Equal in params, metrics, tags, notes and artifacts; called again, nothing is sent."""
    words = [*SHORT, *store, "generator=reused_inputs", "model=mean_lambda,dense", f"sweep={sweep}"]
    assert run("train", *words).returncode == 0
    uri = store[0].split("=", 1)[1]
    before = contents_of(uri)
    (tmp_path / "mlflow.db").rename(tmp_path / "lost.db")
    (tmp_path / "mlruns").rename(tmp_path / "lost")
    told = run("track")
    assert "2 results sent" in told.stdout
    assert contents_of(uri) == before
    assert "0 results sent, 0 verdicts renewed, 0 open runs closed." in run("track").stdout
    assert contents_of(uri) == before


def test_a_damaged_result_is_named_and_trained_again(run, sweep):
    """Not passed over, and not taken for a result."""
    words = [*SHORT, "model=mean_lambda", f"sweep={sweep}", "tracking=off"]
    assert run("train", *words).returncode == 0
    path = next((ROOT / "runs" / sweep).rglob("result.json"))
    good = json.loads(path.read_text())
    path.write_text(json.dumps(good | {"final_loss": float("nan")}))
    told = run("train", *words)
    assert f"{path} has no number in final_loss" in told.stdout
    assert "The run is trained again." in told.stdout
    assert json.loads(path.read_text())["final_loss"] == good["final_loss"]
