"""The report: everything is read once and becomes the page, the tables, the map and the data of the plots."""

from pathlib import Path

from pitfalls.errors import ResultError
from pitfalls.files import write_text
from pitfalls.report.map import write_maps
from pitfalls.report.material import gather
from pitfalls.report.matrix import matrix_page
from pitfalls.report.page import write_page
from pitfalls.report.plots import write_plots


def write_report(runs: Path, reports: Path, root: Path) -> None:
    """Write reports/index.html, reports/matrix.md, the README's map and the data of `dvc plots`.

    Args:
        runs: The folder of all sweeps.
        reports: The folder that holds verdicts.json and guard.json; everything is written there.
        root: The project's folder, for conf/ and params.yaml.

    Raises:
        ResultError: verdicts.json is missing, damaged or empty, or guard.json is damaged.
        ConfigurationError: The folder cannot be written to.
    """
    material = gather(runs, reports, root)
    if not (material.verdicts.cells or material.verdicts.listings):
        raise ResultError(f"{reports / 'verdicts.json'} holds no verdict.\nRun `dvc repro verify` first.")
    write_text(reports / "matrix.md", matrix_page(material.verdicts))
    write_plots(material.verdicts, material.matrix, reports)
    write_maps(material, reports)
    write_page(material, reports)
