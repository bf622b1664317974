"""Write reports/matrix.md and the data of `dvc plots` from the verdicts.

Example:
    python src/report.py
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.config import ROOT  # noqa: E402
from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.report import write_report  # noqa: E402


def main() -> None:
    """Write the report and say where it is."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/report.py"
    ).parse_args()
    with messages_instead_of_tracebacks():
        write_report(ROOT / "runs", ROOT / "reports")
    print("reports/index.html\nreports/matrix.md")


if __name__ == "__main__":
    main()
