"""Release: this machine's numbers and plots become those that Git holds, if every claim holds."""

from pathlib import Path

from pitfalls.errors import ReleaseError
from pitfalls.files import write_text
from pitfalls.project import RELEASE
from pitfalls.report.map import FILES as MAPS
from pitfalls.report.older import is_marked
from pitfalls.report.readme import with_results
from pitfalls.report.words import failures, summary
from pitfalls.verdicts.benchmarks import PLACE as BENCHMARKS
from pitfalls.verdicts.records import PLACE, Verdicts

RELEASED = (PLACE, "matrix.md", "metrics.json", *MAPS.values(), "plots/claims.csv", "plots/loss.csv")
"""What a release is made of, in reports/ and in reports/release/."""


def release(project: Path) -> str:
    """Copy what a release is made of, and write the README's results anew.

    Returns:
        How many claims hold, in one line.

    Raises:
        ReleaseError: A claim failed, or a file is not there.
        ResultError: verdicts.json is damaged.
    """
    reports = project / "reports"
    refuse_unfinished(reports)
    refuse_older(reports / "index.html")
    verdicts = Verdicts.read(reports / PLACE)
    if not verdicts.all_hold or not all(entry.holds for entry in verdicts.entries):
        raise ReleaseError("\n".join([f"nothing is released: {summary(verdicts)}", *failures(verdicts)[:5]]))
    measured = (
        [BENCHMARKS] if (reports / BENCHMARKS).exists() else []
    )  # `make bench` is no part of the pipeline
    for name in (*RELEASED, *measured):
        write_text(project / RELEASE / name, (reports / name).read_text(encoding="utf-8"))
    readme = project / "README.md"
    write_text(readme, with_results(readme.read_text(encoding="utf-8"), verdicts))
    return summary(verdicts)


def refuse_older(page: Path) -> None:
    """Refuse a report that is older than the runs.

    Raises:
        ReleaseError: Its page says so.
    """
    if page.exists() and is_marked(page):
        raise ReleaseError(
            "nothing is released: reports/ is older than the runs, of which some were trained again.\n"
            "Run the pipeline to its end first: make reproduce."
        )


def refuse_unfinished(reports: Path) -> None:
    """Refuse a release of a pipeline that has not come to its end.

    Raises:
        ReleaseError: Names what is missing.
    """
    missing = [name for name in RELEASED if not (reports / name).exists()]
    if missing:
        raise ReleaseError(
            f"nothing is released: reports/ has no {', '.join(missing)}.\nRun the pipeline first: make reproduce."
        )
