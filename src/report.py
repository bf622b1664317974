"""Write the page, the tables and the data of `dvc plots` from runs/ and reports/verdicts.json.

Example:
    python src/verify.py; python src/report.py      judge and show again; nothing is trained
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.report import write_report  # noqa: E402


def main() -> None:
    """Write the report and say where it is."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/report.py"
    ).parse_args()
    with messages_instead_of_tracebacks():
        write_report(ROOT / "runs", ROOT / "reports", ROOT)
    print("reports/index.html\nreports/matrix.md")


if __name__ == "__main__":
    main()
