"""What is written to a terminal, and that nothing but text is written elsewhere."""

import io
import os
import sys
import time
from dataclasses import replace

import pytest
from made_reports import committed_verdicts, with_a_failure, with_lottery
from made_results import made_result

from pitfalls.project import Cell
from pitfalls.report.progress import SweepProgress, epoch_bar
from pitfalls.report.tables import counts
from pitfalls.report.terminal import print_sweep, print_verdicts
from pitfalls.report.words import failures, summary
from pitfalls.results import Claim
from pitfalls.stages import sweep as sweeps
from pitfalls.stages.sweep import Job
from pitfalls.verdicts.cells import Judged, entry
from pitfalls.verdicts.records import CellVerdict, Verdicts
from pitfalls.verdicts.run import judge

CELL = Cell("keras2", "fresh_arrays", "mean_lambda")

ESCAPE = "\x1b"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def written(monkeypatch):
    """Give a function that sets both streams up and returns a function that reads what was written."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def begin(stream, no_color=""):
        monkeypatch.setenv("NO_COLOR", no_color)
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        return stream.getvalue

    return begin


@pytest.fixture
def finished(tmp_path, composed):
    """Give a sweep of two runs that have finished, as jobs."""
    jobs = []
    for run in (CELL.at(0), CELL.at(1)):
        folder = tmp_path / "runs" / "mine" / run.path
        result = made_result(run)
        judge(result).write(folder / "verdict.json")
        result.write(folder / "result.json")
        now = time.time() + 60
        os.utime(folder / "result.json", (now, now))
        config = replace(composed("sweep=mine"), fingerprint=result.fingerprint)
        jobs.append(Job([], folder, run, config))
    return jobs


def show_everything(jobs):
    """Write all that a run, a sweep and a verification write."""
    failed = with_a_failure(committed_verdicts())
    print_verdicts(failed)
    with epoch_bar("a run", 2) as on_epoch_end:
        on_epoch_end(0, 1.0)
        on_epoch_end(1, 0.5)
    with SweepProgress([(job.folder, job.config.fingerprint) for job in jobs]):
        pass
    print_sweep(failed.cells)


def test_a_terminal_gets_colours_and_a_bar(written, finished):
    """Without it the next test could not fail."""
    read = written(Terminal())
    show_everything(finished)
    assert f"{ESCAPE}[1;31m" in read(), "a failed claim stands out"
    assert "━" in read()


@pytest.mark.parametrize(
    ("stream", "no_color"), [(io.StringIO, ""), (Terminal, "1")], ids=["pipe", "NO_COLOR"]
)
def test_no_escape_sequence_goes_into_a_pipe_or_past_no_color(written, finished, stream, no_color):
    """One line for each run, and tables, as plain text."""
    read = written(stream(), no_color)
    show_everything(finished)
    assert ESCAPE not in read() and "\r" not in read()
    assert "[  1/2] loss 0        clean    pass   2.0 s  keras2 / fresh_arrays / mean_lambda / 0\n" in read()
    assert "━" not in read()


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_narrow_terminal_cuts_no_name_short(written, monkeypatch, columns):
    """`reused_inputs` and `reused_inputs_aligned` must not read alike."""
    read = written(Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    print_sweep(committed_verdicts().cells)
    assert "…" not in read()


def test_a_pipe_s_table_is_as_wide_as_it_needs(written):
    """Without a terminal no cell is cut or folded."""
    read = written(io.StringIO())
    print_verdicts(committed_verdicts())
    assert "keras3_workers  reused_inputs_aligned  flat_mean_lambda" in read()
    assert "…" not in read()


def test_a_sweep_ends_with_a_row_for_each_cell_and_where_to_look(written, finished):
    """Two seeds are one row; the files and MLflow are named."""
    read = written(io.StringIO())
    sweeps.show(finished)
    lines = read().splitlines()
    assert " ".join(lines[1].split()) == "runtime generator model claimed measured over seeds effect verdict"
    assert " ".join(lines[2].split()) == "keras2 fresh_arrays mean_lambda 0 ± 8.3e-05 0 0 to 0 clean pass"
    assert lines[3] == "1 of 1 claims hold."
    assert lines[4:] == [
        "Next",
        "  runs/mine/   what each run measured (result.json) and had to (verdict.json)",
        "  make ui   curves, parameters and models, in a browser",
    ]


def test_what_a_sweep_varies_besides_the_cell_gets_a_row_of_its_own(written, finished):
    """Runs of one cell at two batch sizes are not averaged."""
    jobs = []
    for job, key in zip(finished, ("@task.batch_size=4", "@task.batch_size=8"), strict=True):
        folder = job.folder / key
        folder.mkdir()
        for name in ("result.json", "verdict.json"):
            (job.folder / name).rename(folder / name)
        untracked = replace(job.config, tracking=replace(job.config.tracking, enabled=False))
        jobs.append(replace(job, folder=folder, config=untracked))
    read = written(io.StringIO())
    sweeps.show(jobs)
    assert "2 of 2 claims hold." in read()
    assert "task.batch_size=4  keras2   fresh_arrays" in read()
    assert "over seeds" not in read(), "one seed has no interval"
    assert "make ui" not in read()


def test_runs_that_have_not_finished_are_not_in_the_table(written, finished):
    """After a failure the others are shown; if none has finished, nothing is."""
    (finished[1].folder / "result.json").unlink()
    read = written(io.StringIO())
    sweeps.show(finished[1:])
    assert read() == ""
    sweeps.show(finished)
    assert "1 of 1 claims hold." in read()


def test_a_cell_s_reasons_stand_below_the_table(written):
    """What failed is said, not only that it did."""
    result = made_result(CELL, final_loss=5.0)
    read = written(io.StringIO())
    print_sweep([entry([Judged(result, judge(result))])])
    assert "keras2 / fresh_arrays / mean_lambda: seed 0: loss 5 is not 0 within" in read()
    assert "0 of 1 claims hold." in read()


def cell_verdict(measured, loss, tolerance):
    """Return the verdict on a cell that measured a loss, beside its claim."""
    return CellVerdict(
        cell=CELL,
        claim=Claim(kind="closed_form", loss=loss, tolerance=tolerance, formula="V", reason=""),
        measured=measured,
        interval=(measured, measured),
        broken_rows=0.0,
        seeds=[0],
        effect="clean",
        verdict="pass",
    )


def test_the_counts_tell_how_near_a_claim_came_to_failing():
    """A miss of one tolerance is where a claim fails; the widest tolerance says how sharp the claims are."""
    cells = [cell_verdict(3.0, loss=1.0, tolerance=4.0), cell_verdict(1.0, loss=2.0, tolerance=10.0)]
    verdicts = Verdicts(cells=cells, listings=[], probes=[])
    matrix = counts(verdicts)["matrix"]
    assert (matrix["worst_miss"], matrix["widest_tolerance"]) == (0.5, 10.0)
    empty = counts(verdicts.with_changes(cells=[]))["matrix"]
    assert (empty["worst_miss"], empty["widest_tolerance"]) == (0.0, 0.0)


def test_a_lottery_run_that_fails_is_counted_and_named():
    """What makes the pipeline fail is in the summary, in the counts and among the failures."""
    verdicts = with_lottery(committed_verdicts())
    assert verdicts.all_hold and summary(verdicts).endswith("16 of 16 lottery runs hold.")
    first, *others = verdicts.lottery
    failed = first.with_changes(verdict="fail", reasons=["seed 0: loss 5"], swept="@offset=0")
    verdicts = verdicts.with_changes(lottery=[failed, *others])
    assert counts(verdicts)["lottery"] == {"runs": 16, "claims_that_hold": 15}
    assert failures(verdicts) == ["keras3 / reused_inputs / mean_lambda @offset=0: seed 0: loss 5"]
    assert not verdicts.all_hold
