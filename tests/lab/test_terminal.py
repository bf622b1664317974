"""What is written to a terminal, and that nothing but text is written elsewhere."""

import io
import json
import os
import sys
import time
from dataclasses import replace

import pytest
from made_reports import committed_verdicts, with_a_failure

from pitfalls.config.schema import Cell
from pitfalls.report import tables
from pitfalls.report.progress import SweepProgress, epoch_bar
from pitfalls.stages import sweep as sweeping
from pitfalls.stages.sweep import Job
from pitfalls.verdicts import cells as judging
from pitfalls.verdicts.run import judge

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
def finished(tmp_path, result_of):
    """Give a sweep of two runs that have finished, as jobs."""
    jobs = []
    for seed in (0, 1):
        folder = tmp_path / "runs" / "mine" / "keras2" / "fresh_arrays" / "mean_lambda" / f"seed-{seed}"
        folder.mkdir(parents=True)
        result = result_of("keras2", "fresh_arrays", "mean_lambda")
        result["cell"]["seed"] = seed
        (folder / "result.json").write_text(json.dumps(result))
        (folder / "verdict.json").write_text(json.dumps(judge(result).as_json()))
        now = time.time() + 60
        os.utime(folder / "result.json", (now, now))
        cell = Cell("keras2", "fresh_arrays", "mean_lambda", seed)
        jobs.append(Job([], folder, cell, None, result["fingerprint"]))
    return jobs


def show_everything(jobs):
    """Write all that a run, a sweep and a verification write."""
    tables.print_verdicts(with_a_failure(committed_verdicts()))
    with epoch_bar("a run", 2) as on_epoch_end:
        on_epoch_end(0, 1.0)
        on_epoch_end(1, 0.5)
    with SweepProgress([(job.folder, job.fingerprint) for job in jobs]):
        pass
    tables.print_sweep([("", entry) for entry in with_a_failure(committed_verdicts())["cells"]])


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
    tables.print_sweep([("", entry) for entry in committed_verdicts()["cells"]])
    assert "…" not in read()


def test_a_pipe_s_table_is_as_wide_as_it_needs(written):
    """Without a terminal no cell is cut or folded."""
    read = written(io.StringIO())
    tables.print_verdicts(committed_verdicts())
    assert "keras3_workers  reused_inputs_aligned  flat_mean_lambda" in read()
    assert "…" not in read()


def test_a_sweep_ends_with_a_row_for_each_cell_and_where_to_look(written, finished, composed):
    """Two seeds are one row; the files and MLflow are named."""
    told = composed("sweep=mine")
    jobs = [replace(job, config=told) for job in finished]
    read = written(io.StringIO())
    sweeping.show(jobs)
    lines = read().splitlines()
    assert " ".join(lines[1].split()) == "runtime generator model claimed measured over seeds effect verdict"
    assert " ".join(lines[2].split()) == "keras2 fresh_arrays mean_lambda 0 ± 8.3e-05 0 0 to 0 clean pass"
    assert lines[3] == "1 of 1 claims hold."
    assert lines[4:] == [
        "Next",
        "  runs/mine/   what each run measured (result.json) and had to (verdict.json)",
        "  make ui   curves, parameters and models, in a browser",
    ]


def test_what_a_sweep_varies_besides_the_cell_gets_a_row_of_its_own(written, finished, composed):
    """Runs of one cell at two batch sizes are not averaged."""
    told = composed("sweep=mine", "tracking=off")
    jobs = []
    for job, key in zip(finished, ("@task.batch_size=4", "@task.batch_size=8"), strict=True):
        folder = job.folder / key
        folder.mkdir()
        for name in ("result.json", "verdict.json"):
            (job.folder / name).rename(folder / name)
        jobs.append(replace(job, folder=folder, config=told))
    read = written(io.StringIO())
    sweeping.show(jobs)
    assert "2 of 2 claims hold." in read()
    assert "task.batch_size=4  keras2   fresh_arrays" in read()
    assert "over seeds" not in read(), "one seed has no interval"
    assert "make ui" not in read()


def test_runs_that_have_not_finished_are_not_in_the_table(written, finished, composed):
    """After a failure the others are shown; if none has finished, nothing is."""
    told = composed("sweep=mine")
    (finished[1].folder / "result.json").unlink()
    jobs = [replace(job, config=told) for job in finished]
    read = written(io.StringIO())
    sweeping.show(jobs[1:])
    assert read() == ""
    sweeping.show(jobs)
    assert "1 of 1 claims hold." in read()


def test_a_cell_s_reasons_stand_below_the_table(written, result_of):
    """What failed is said, not only that it did."""
    result = result_of("keras2", "fresh_arrays", "mean_lambda", final_loss=5.0)
    read = written(io.StringIO())
    tables.print_sweep([("", judging.entry([(result, judge(result).as_json())]))])
    assert "keras2 / fresh_arrays / mean_lambda: seed 0: loss 5 is not 0 within" in read()
    assert "0 of 1 claims hold." in read()


def test_the_counts_tell_how_near_a_claim_came_to_failing():
    """A miss of one tolerance is where a claim fails; the widest tolerance says how sharp the claims are."""
    entries = [
        {"cell": {"runtime": "a"}, "measured": 3.0, "claim": {"loss": 1.0, "tolerance": 4.0}},
        {"cell": {"runtime": "a"}, "measured": 1.0, "claim": {"loss": 2.0, "tolerance": 10.0}},
    ]
    verdicts = {
        "cells": [entry | {"verdict": "pass", "effect": "clean"} for entry in entries],
        "listings": [],
        "damaged": [],
    }
    seen = tables.counts(verdicts)["matrix"]
    assert (seen["worst_miss"], seen["widest_tolerance"]) == (0.5, 10.0)
    empty = tables.counts(verdicts | {"cells": []})["matrix"]
    assert (empty["worst_miss"], empty["widest_tolerance"]) == (0.0, 0.0)
