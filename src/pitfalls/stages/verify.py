"""Verify: every result on disk is judged again, and the verdicts are written where they are read."""

from pathlib import Path

from pitfalls.files import json_text, write_json
from pitfalls.project import PARAMS, PIPELINE
from pitfalls.report import tables
from pitfalls.runs.folder import runtimes_not_run, tracked_as
from pitfalls.startup import quick_imports
from pitfalls.verdicts import guard, records
from pitfalls.verdicts.cells import Judged
from pitfalls.verdicts.everything import judge_everything
from pitfalls.verdicts.guard import GuardReport
from pitfalls.verdicts.records import Verdicts


def verify(runs: Path, reports: Path, matrix: str = "matrix", article: str = "article") -> Verdicts:
    """Judge every result of two sweeps; for the pipeline's own, write reports/verdicts.json and metrics.json.

    Args:
        runs: The folder of all sweeps.
        reports: The folder of guard.json, and of what is written.
        matrix: The sweep that holds the cells.
        article: The sweep that holds the listings.

    Raises:
        ResultError: There is no result at all, or guard.json is damaged.
        TrackingError: The store cannot be opened.
    """
    report = GuardReport.read_or_empty(reports / guard.PLACE)
    is_pipeline = (matrix, article) == PIPELINE
    everything = judge_everything(
        runs, matrix, article, report, PARAMS if is_pipeline else None, runtimes_not_run(runs / matrix)
    )
    if is_pipeline:
        everything.verdicts.write(reports / records.PLACE)
        write_json(reports / "metrics.json", tables.counts(everything.verdicts))
    write_changed(everything.judged, report)  # last of the writes: the tracking store may not answer
    return everything.verdicts


def next_commands(matrix: str, article: str) -> str:
    """Say which commands show the tables of two sweeps; those of the pipeline are also written to a file."""
    if (matrix, article) == PIPELINE:
        return (
            "Next\n"
            "  python src/verify.py --all   prints every cell and listing\n"
            "  python src/report.py         writes reports/matrix.md"
        )
    return f"Next\n  python src/verify.py --all --matrix {matrix} --article {article}   prints every cell"


def write_changed(judged: list[Judged], report: GuardReport) -> None:
    """Write new verdicts beside the results, and put them, with what the guard found, on the runs of the store."""
    changed = [
        (run, beside) for run in judged if run.folder and is_new(run, beside := run.folder / "verdict.json")
    ]
    for run, beside in changed:
        run.verdict.write(beside)
    tracked = [beside.parent for _, beside in changed if tracked_as(beside.parent)]
    if tracked:
        with quick_imports():
            from pitfalls.tracking import retag  # MLflow, only where verdicts changed

        retag(tracked, report)


def is_new(run: Judged, beside: Path) -> bool:
    """Tell whether the verdict beside a result is another, or none."""
    return not beside.exists() or beside.read_bytes() != json_text(run.verdict.as_json()).encode()
