"""A tracking server that a cluster shares, with PostgreSQL behind it: every run is there once."""

from collections import Counter
from collections.abc import Iterator

import pytest
from cluster.test_slurm import ON_SLURM
from killed_sweeps import CELLS, LINE, KilledSweep
from made_server import Server, server_with_postgres, why_no_postgres

pytestmark = [pytest.mark.cluster, pytest.mark.skipif(bool(why_no_postgres()), reason=why_no_postgres())]

SHORTER = [word for word in LINE if not word.startswith(("seed=", "training.steps"))]
FORTY = [*SHORTER, "seed=range(10)", "training.steps_per_epoch=100", "hydra.launcher.workers=4"]
"""Forty runs of a second and less, by four processes."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Give a server with PostgreSQL behind it."""
    with server_with_postgres() as server:
        yield server


def is_there_once(sweep: KilledSweep, runs: int) -> None:
    """Insist that each run of a sweep is on disk and on the server, once, with its artifacts beside it."""
    assert len(sweep.results()) == runs
    of_sweep = [run for run in sweep.tracked() if run.data.tags.get("sweep") == sweep.runs.name]
    own = [run for run in of_sweep if "role" not in run.data.tags]
    assert Counter(run.info.status for run in own) == {"FINISHED": runs}
    assert len({run.data.tags["folder"] for run in own}) == runs
    assert all(run.info.artifact_uri.startswith("mlflow-artifacts:") for run in own)
    assert [run.info.status for run in of_sweep if "role" in run.data.tags] == ["FINISHED"]


def test_four_processes_write_to_one_server(server, names, tmp_path):
    """None is lost, and none is there twice."""
    sweep = KilledSweep(names("four"), tmp_path, FORTY, server.uri)
    assert sweep.finish() == 0, (tmp_path / "printed.txt").read_text()
    is_there_once(sweep, 40)


def test_jobs_of_slurm_write_to_one_server(slurm, server, reference, names, tmp_path):
    """Each from its node, under one parent."""
    sweep = KilledSweep(names("slurm-server"), tmp_path, [*LINE, *ON_SLURM], server.uri)
    assert sweep.finish() == 0, (tmp_path / "printed.txt").read_text()
    is_there_once(sweep, CELLS)
    assert sweep.results() == reference
