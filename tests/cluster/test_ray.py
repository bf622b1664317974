"""Ray, for real: 24 runs on two workers, of which one is killed and one lost with its node, until all are there."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from cluster.conftest import Ray, wait_until
from cluster.small_matrix import train_by_dvc, trains_every_framework
from killed_sweeps import CELLS, LINE, KilledSweep

from pitfalls.startup import QUIET_ENVIRONMENT
from pitfalls.workers.endings import JobEnded, ending_on_ray

pytestmark = pytest.mark.cluster

ON_RAY = ["hydra/launcher=ray", f"hydra.launcher.address={Ray.ADDRESS}"]


def test_a_sweep_that_is_stopped_and_loses_tasks_ends_with_every_result(ray, reference, names, tmp_path):
    """Ctrl-C, then a kill and a lost node: each is said, and one command more gives what `local` gave."""
    sweep = KilledSweep(names("ray"), tmp_path, [*LINE, *ON_RAY])
    parent = sweep.start()
    wait_until(lambda: len(sweep.results()) >= 2, "two runs have finished")
    parent.send_signal(signal.SIGINT)
    assert parent.wait(timeout=60) == 130
    wait_until(lambda: not ray.training_on("n1") and not ray.training_on("n2"), "no task runs")
    before = len(sweep.results())
    assert set(sweep.statuses()) <= {"FINISHED", "KILLED"}

    parent = sweep.start()
    for node in ("n1", "n2"):
        wait_until(lambda node=node: ray.training_on(node), f"{node} trains")
    ray.training_on("n1")[0].kill()
    ray.kill("n2")
    assert parent.wait(timeout=200) == 1
    ray.start_node("n2")
    assert len(sweep.results()) == CELLS - 2
    printed = (tmp_path / "printed.txt").read_text()
    assert f"2 of {CELLS - before} runs failed; the others are kept." in printed
    whys = {
        "its process was ended: killed by hand, for want of memory, or by a crash.",
        "its node was lost.",
    }
    errors = list(sweep.runs.rglob("error.txt"))
    assert {error.read_text().splitlines()[0] for error in errors} == whys
    for why in whys:
        assert re.search(rf": {re.escape(why)}\n    python src/train.py runtime=keras2 ", printed), why
    assert sweep.statuses()["FAILED"] == 2

    wait_until(lambda: ray.count() == 3, "n2 is back")
    assert sweep.finish() == 0
    assert sweep.results() == reference
    assert sweep.statuses()["FINISHED"] == CELLS
    assert sweep.parents() == {"FINISHED": 1}
    assert list(sweep.runs.rglob("error.txt")) == []
    assert sweep.left_behind() == []


def test_the_environment_of_a_start_reaches_a_task(ray, monkeypatch):
    """Ray's workers inherit that of their node, which knows nothing of it."""
    from pitfalls.workers.ray import run_on_ray

    monkeypatch.setenv("OF_THIS_PROCESS", "1")
    (found,) = run_on_ray(lambda _: dict(os.environ), [(0,)], Ray.ADDRESS, 1)
    assert QUIET_ENVIRONMENT.items() <= found.items()
    assert "OF_THIS_PROCESS" not in found


def test_what_a_task_raises_comes_back_as_it_is(ray):
    """And a task that is cancelled says so."""
    from pitfalls.workers.ray import run_on_ray

    returned = run_on_ray(lambda number: 1 // number, [(0,), (1,)], Ray.ADDRESS, 1)
    assert isinstance(returned[0], ZeroDivisionError)
    assert returned[1] == 1


def test_a_task_that_is_cancelled_says_so(ray):
    """As the driver's own `ray.cancel` leaves it."""
    import ray as library

    library.init(address=Ray.ADDRESS, log_to_driver=False)
    try:
        task = library.remote(max_retries=0)(lambda: time.sleep(60)).remote()
        library.cancel(task)
        with pytest.raises(library.exceptions.TaskCancelledError) as caught:
            library.get(task, timeout=30)
    finally:
        library.shutdown()
    ended = ending_on_ray(caught.value)
    assert isinstance(ended, JobEnded) and ended.was_stopped
    assert str(ended) == "its task was cancelled"


def test_every_framework_measures_there_what_it_does_here(
    ray, line_of_frameworks, frameworks_here, names, tmp_path
):
    """Sound cells of each: the same numbers, since each job has the environment of a start."""
    trains_every_framework(
        KilledSweep(names("ray-all"), tmp_path, [*line_of_frameworks, *ON_RAY]), frameworks_here
    )


def test_the_pipeline_trains_where_params_yaml_says(ray, tmp_path: Path, monkeypatch):
    """`launcher: ray`, and no other word: the cluster is that of this machine."""
    monkeypatch.setenv("RAY_ADDRESS", Ray.ADDRESS)
    assert train_by_dvc(tmp_path, "ray") == 2
