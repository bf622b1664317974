"""What is written to a terminal, and that nothing but text is written elsewhere."""

import io
import os
import sys
import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hydra.core.hydra_config import HydraConfig
from made_reports import committed_verdicts, with_a_failure, with_lottery
from made_results import made_result
from rich.console import Console
from rich.table import Table

from pitfalls.errors import messages_instead_of_tracebacks
from pitfalls.project import ROOT, Cell
from pitfalls.report.progress import SweepProgress, epoch_bar, starting, workers_of
from pitfalls.report.tables import cell_row, counts, listing_row
from pitfalls.report.terminal import print_counts, print_run, print_sweep, print_verdicts
from pitfalls.report.words import failures, summary, swept_text
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
        jobs.append(Job([], folder, run, config, []))
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
    print_counts(failed)
    result = made_result(CELL.at(0))
    print_run(result, judge(result), ROOT / "runs" / "mine")


STYLES = {"bites": "33", "masked": "35", "repaired": "36", "clean": "2"}
"""The escape sequence of each effect's colour."""


def test_a_terminal_gets_colours_and_a_bar(written, finished):
    """Without it the next test could not fail."""
    read = written(Terminal())
    show_everything(finished)
    assert f"{ESCAPE}[1;31m" in read(), "a failed claim stands out"
    assert "━" in read()
    for effect, style in STYLES.items():
        assert f"{ESCAPE}[{style}m{effect}" in read()
    assert f"{ESCAPE}[32mpass" in read()
    assert "starting training (TensorFlow, about 10 s)" in read(), "no bar stands still"


@pytest.mark.parametrize(
    ("stream", "no_color"), [(io.StringIO, ""), (Terminal, "1")], ids=["pipe", "NO_COLOR"]
)
def test_no_escape_sequence_goes_into_a_pipe_or_past_no_color(written, finished, stream, no_color):
    """One line for each run, and tables, as plain text."""
    read = written(stream(), no_color)
    show_everything(finished)
    assert ESCAPE not in read() and "\r" not in read()
    words = " ".join(read().split())
    assert "[ 1/2] loss 0 clean pass 2.0 s keras2 / fresh_arrays / mean_lambda / 0" in words
    assert "━" not in read() and "starting" not in read()


def swept(verdicts):
    """Return the cells as a sweep of another key has them."""
    return [entry.with_changes(swept="@task.batch_size=16") for entry in verdicts.cells]


TABLES = {
    "verify": (
        print_verdicts,
        lambda verdicts: [*map(cell_row, verdicts.cells), *map(listing_row, verdicts.listings)],
    ),
    "sweep": (
        lambda verdicts: print_sweep(swept(verdicts)),
        lambda verdicts: [
            [*cell_row(entry.with_changes(swept="")), swept_text(entry.swept)] for entry in swept(verdicts)
        ],
    ),
}
"""For each table what prints it, and what stands in its rows."""


def broken(text, rows, columns):
    """Return the words of a table's rows that are not whole in a text, and the lines that a screen would break."""
    wanted = Counter(word for row in rows for cell in row for word in cell.split())
    missing = wanted - Counter(text.split())
    return [*missing, *(line for line in text.splitlines() if len(line) > columns)]


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
@pytest.mark.parametrize("name", TABLES)
def test_no_number_and_no_name_is_broken_on_a_narrow_terminal(written, monkeypatch, name, columns):
    """Every cell and listing of the last release: `reused_inputs` and `reused_inputs_aligned` must not read alike."""
    show, rows = TABLES[name]
    read = written(Terminal(), "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    verdicts = committed_verdicts()
    show(verdicts)
    assert broken(read(), rows(verdicts), columns) == []


def test_a_broken_table_would_be_seen():
    """The other side: rich's own table at 80 columns folds names, or cuts them."""
    rows = [cell_row(entry) for entry in committed_verdicts().cells]
    for overflow in ("fold", "ellipsis"):
        table = Table(box=None)
        for _ in rows[0]:
            table.add_column(overflow=overflow)
        for row in rows:
            table.add_row(*row)
        screen = Console(file=io.StringIO(), width=80)
        screen.print(table)
        assert "flat_mean_lambda" in broken(screen.file.getvalue(), rows, 80)
    assert broken("a line of 21 columns.", [], 20) == ["a line of 21 columns."]


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_run_is_told_without_a_broken_word(written, monkeypatch, columns):
    """The longest name that there is, and a formula with every letter explained; a path is left in one piece."""
    read = written(Terminal(), "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    result = made_result(Cell("keras3_workers", "reused_inputs_aligned", "flat_mean_lambda").at(0))
    verdict = judge(result)
    formula = verdict.claim.with_changes(formula="q S + (1 - q) B", loss=788.9, tolerance=131.2)
    print_run(result, verdict.with_changes(claim=formula), ROOT / "runs" / "mine")
    rows = [["789", "±", "130;", "820.23,", str(result.cell), verdict.claim.reason, "runs/mine/result.json"]]
    assert broken(read(), rows, columns) == []


def test_a_single_run_explains_the_letters_of_its_formula(written, monkeypatch):
    """The whole text, of a run whose formula has letters; its values are those of the run's own task."""
    read = written(io.StringIO())
    measured = {"final_loss": 416.96, "standard_error": 0.7, "broken_rows": 0.9933, "rewritten_batches": 1.0}
    result = made_result(Cell("keras2", "reused_inputs", "dense").at(0), **measured)
    verdict = judge(result)
    print_run(result, verdict, ROOT / "runs" / "mine")
    lines = read().splitlines()
    assert lines[0] == "loss 417      bites    pass   2.0 s  keras2 / reused_inputs / dense / 0"
    assert lines[2].endswith("; closed form V")
    assert lines[3] == "where   V = 416.625, the variance of the mean"
    assert lines[-2:] == [
        "why     the batch is read after its inputs were refilled, so inputs and labels are independent.",
        "files   runs/mine/result.json",
    ]


def test_a_single_run_says_what_the_framework_warned_of(written):
    """A line for each text, before the files; none where nothing was warned of."""
    read = written(io.StringIO())
    result = made_result(Cell("torch_loader", "fresh_arrays", "dense").at(0), warnings=["shapes differ."])
    print_run(result, judge(result), ROOT / "runs" / "mine")
    print_run(result.with_changes(warnings=[]), judge(result), ROOT / "runs" / "mine")
    assert [line for line in read().splitlines() if line.startswith("warned")] == ["warned  shapes differ."]


def test_a_formula_without_letters_needs_no_explanation(written):
    """A closed form of 0."""
    read = written(io.StringIO())
    result = made_result(CELL.at(0))
    print_run(result, judge(result), ROOT / "runs" / "mine")
    assert "where" not in read()


def test_a_verification_says_how_many_cells_show_which_effect(written):
    """Counts and failures; the tables are asked for."""
    read = written(io.StringIO())
    print_counts(with_a_failure(with_lottery(committed_verdicts())))
    assert read().splitlines() == [
        "keras2 / reused_inputs / dense: seed 0: the loss is <12.5>",
        "runs/matrix/keras3/result.json is no complete JSON",
        "72 cells: bites in 30, masked in 10, repaired in 16, clean in 16.",
        "71 of 72 cells hold, 8 of 8 listings hold, 52 of 52 lottery runs hold, 1 damaged.",
    ]


def test_a_sweep_s_workers_are_counted_where_the_launcher_says_them(monkeypatch):
    """joblib's -1 is a worker for each core, and no more than there are runs; others do not say."""
    assert workers_of(5) is None, "no sweep"
    monkeypatch.setattr(HydraConfig, "initialized", lambda: True)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for launcher, runs, workers in (
        ({"n_jobs": -1}, 5, 2),
        ({"n_jobs": -1}, 1, 1),
        ({"n_jobs": 4}, 5, 4),
        ({}, 5, None),
    ):
        monkeypatch.setattr(HydraConfig, "get", lambda seen=launcher: SimpleNamespace(launcher=seen))
        assert workers_of(runs) == workers
    assert starting(2) == "starting 2 workers (TensorFlow, about 10 s)"
    assert starting(1) == "starting 1 worker (TensorFlow, about 10 s)"


def test_ctrl_c_says_how_to_go_on(capsys):
    """The whole text, in place of a traceback, and the status that a shell expects."""
    with pytest.raises(SystemExit) as ended, messages_instead_of_tracebacks():
        raise KeyboardInterrupt
    assert ended.value.code == 130
    said = "Interrupted. Finished runs are kept. Run the same command to continue.\n"
    assert capsys.readouterr().err == said


def test_a_pipe_s_table_is_as_wide_as_it_needs(written):
    """Without a terminal no row is broken, whatever COLUMNS says."""
    read = written(io.StringIO())
    print_verdicts(committed_verdicts())
    assert "keras3_workers  reused_inputs_aligned  flat_mean_lambda" in read()
    (line,) = (line for line in read().splitlines() if line.startswith("L2 "))
    assert line.endswith("masked    pass") and "648.92, 0.0177" in line


def test_a_sweep_ends_with_a_row_for_each_cell_and_where_to_look(written, finished):
    """Two seeds are one row; the files and MLflow are named."""
    read = written(io.StringIO())
    sweeps.show(finished)
    lines = read().splitlines()
    assert " ".join(lines[1].split()) == "runtime generator model claimed measured over seeds effect verdict"
    assert " ".join(lines[2].split()) == "keras2 fresh_arrays mean_lambda 0 ± 0.000083 0 0 to 0 clean pass"
    assert lines[3] == "1 of 1 claim holds."
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
    assert "1 of 1 claim holds." in read()


def test_a_cell_s_reasons_stand_below_the_table(written):
    """What failed is said, not only that it did."""
    result = made_result(CELL, final_loss=5.0)
    read = written(io.StringIO())
    print_sweep([entry([Judged(result, judge(result))])])
    assert "keras2 / fresh_arrays / mean_lambda: seed 0: loss 5 is not 0 within" in read()
    assert "0 of 1 claim holds." in read()


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
    assert verdicts.all_hold and summary(verdicts).endswith("52 of 52 lottery runs hold.")
    first, *others = verdicts.lottery
    failed = first.with_changes(verdict="fail", reasons=["seed 0: loss 5"], swept="@offset=0")
    verdicts = verdicts.with_changes(lottery=[failed, *others])
    assert counts(verdicts)["lottery"] == {"runs": 52, "claims_that_hold": 51}
    assert failures(verdicts) == ["keras3 / reused_inputs / mean_lambda @offset=0: seed 0: loss 5"]
    assert not verdicts.all_hold
