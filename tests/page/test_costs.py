"""Benchmarks: kept, held against a release, and shown."""

import json
import subprocess
import sys

import pytest
from made_reports import committed_verdicts, made_material, made_page, make

from pitfalls.errors import ResultError
from pitfalls.project import ROOT
from pitfalls.report.material import gather
from pitfalls.report.page.costs import costs
from pitfalls.report.page.figures import figures
from pitfalls.verdicts.benchmarks import NOISE, PLACE, Benchmark, Benchmarks

TRACKED = Benchmark.of("a run tracked / untracked", [1.02, 1.10, 0.98], "python benchmarks/tracking.py", 1.05)
WORKERS = Benchmark.of("two workers / twice one", [0.6, 0.7], "python benchmarks/sweeps.py", 0.85, True)


def written(folder, **benchmarks: Benchmark) -> None:
    """Write benchmarks.json."""
    Benchmarks(machine="a machine", benchmarks=benchmarks).write(folder / PLACE)


def test_a_median_is_held_against_its_bar():
    """From above, or from below where more is better; without a bar nothing is missed."""
    assert TRACKED.median == 1.02 and TRACKED.reaches_bar
    assert not TRACKED.with_changes(ratios=[1.06]).reaches_bar
    assert WORKERS.median == pytest.approx(0.65) and not WORKERS.reaches_bar
    assert WORKERS.with_changes(ratios=[0.9]).reaches_bar
    assert WORKERS.with_changes(bar=None).reaches_bar


@pytest.mark.parametrize(("factor", "is_beyond"), [(1.0, False), (0.99 * NOISE, False), (1.01 * NOISE, True)])
def test_only_a_factor_that_noise_cannot_give_is_beyond_the_release(factor, is_beyond):
    """Measured from the worst pair of the release, in the direction that is worse."""
    slower = TRACKED.with_changes(ratios=[max(TRACKED.ratios) * factor])
    fewer = WORKERS.with_changes(ratios=[min(WORKERS.ratios) / factor])
    assert (slower.is_beyond(TRACKED), fewer.is_beyond(WORKERS)) == (is_beyond, is_beyond)
    assert not TRACKED.with_changes(ratios=[0.1]).is_beyond(TRACKED)


def test_what_is_measured_again_replaces_what_was(tmp_path):
    """And leaves the others."""
    written(tmp_path, tracked=TRACKED, workers=WORKERS)
    here = Benchmarks.here(tmp_path / PLACE)
    assert here.benchmarks == {"tracked": TRACKED, "workers": WORKERS}
    assert "cores" in here.machine
    assert Benchmarks.here(tmp_path / "nothing.json").benchmarks == {}


def test_a_damaged_file_says_what_to_do(tmp_path):
    """Not a traceback."""
    (tmp_path / PLACE).write_text('{"schema": 1, "machine": "a", "benchmarks": {"tracked": {"ratios": []}}}')
    with pytest.raises(ResultError, match="Delete the file and measure again: `make bench`"):
        Benchmarks.read(tmp_path / PLACE)


def test_the_page_shows_this_machine_s_before_the_release_s(tmp_path):
    """Neither is needed."""
    runs, reports = make(tmp_path, committed_verdicts())
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    (tmp_path / "params.yaml").symlink_to(ROOT / "params.yaml")
    assert costs(gather(runs, reports, tmp_path)) is None
    written(tmp_path / "reports" / "release", tracked=TRACKED)
    assert costs(gather(runs, reports, tmp_path))["where"] == "for the release"
    written(reports, tracked=TRACKED, workers=WORKERS)
    told = costs(gather(runs, reports, tmp_path))
    assert told["where"] == "on this machine"
    assert [(row["name"], row["in_words"], row["reaches_bar"]) for row in told["rows"]] == [
        ("tracked", "at most 1.05", True), ("workers", "at least 0.85", False),
    ]  # fmt: skip


def test_the_page_has_a_row_for_each(tmp_path):
    """With its range and whether it missed."""
    written(tmp_path / "reports", tracked=TRACKED, workers=WORKERS)
    page = made_page(tmp_path, committed_verdicts()).read_text()
    assert "3, 0.98 to 1.10" in page
    assert 'at least 0.85 <span class="badge fails">missed</span>' in page
    assert '<a href="#costs">What it costs</a>' in page


def test_the_chart_has_what_the_table_has(tmp_path):
    """One source."""
    written(tmp_path / "reports", tracked=TRACKED)
    material = made_material(tmp_path, committed_verdicts())
    assert figures(material)["costs"]["datasets"]["rows"] == costs(material)["rows"]


@pytest.mark.parametrize(("ratio", "status"), [(1.1, 0), (9.9, 1)])
def test_the_command_fails_beyond_noise(tmp_path, ratio, status):
    """And names what is."""
    copy = tmp_path / "project"
    for name in ("src", "benchmarks"):
        copy.mkdir(exist_ok=True)
        (copy / name).symlink_to(ROOT / name)
    written(copy / "reports", tracked=TRACKED.with_changes(ratios=[ratio]), other=WORKERS)
    written(copy / "reports" / "release", tracked=TRACKED)
    program = f"import runpy, pathlib, pitfalls.project as p; p.ROOT = pathlib.Path({str(copy)!r}); "
    program += f"runpy.run_path({str(copy / 'benchmarks' / 'compare.py')!r}, run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert told.returncode == status, told.stderr
    assert ("tracked: worse than the worst pair" in told.stderr) == bool(status)
    assert "other" not in told.stdout


def test_the_release_s_benchmarks_are_whole():
    """Each that CI compares is there."""
    released = json.loads((ROOT / "reports" / "release" / PLACE).read_text())["benchmarks"]
    assert {"tracked", "two_workers_of_ideal", "sweep_against_loop", "start_of_1000_runs", "memory"} <= set(
        released
    )
