"""Judge every result again and write the verdicts; exit with 1 if a claim fails.

It reads what the runs measured (result.json) and trains nothing, so an edited formula is
judged in seconds. It prints how many claims hold and each one that fails.

Examples:
    python src/verify.py
    python src/verify.py --all              every cell and every listing in a table, too
    python src/verify.py --matrix mine      the cells of the sweep `mine` in place of the matrix
    python src/verify.py --report-only      exit with 0 whatever was found, as the pipeline does
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.report.terminal import print_counts, print_verdicts  # noqa: E402
from pitfalls.stages.verify import next_commands, verify  # noqa: E402


def main() -> int:
    """Verify, write, print, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/verify.py"
    )
    parser.add_argument(
        "--matrix", default="matrix", metavar="SWEEP", help="the sweep whose runs are the cells (matrix)"
    )
    parser.add_argument(
        "--article",
        default="article",
        metavar="SWEEP",
        help="the sweep whose runs are the listings (article)",
    )
    parser.add_argument("--all", action="store_true", help="print every cell and every listing")
    parser.add_argument("--report-only", action="store_true", help="exit with 0 even if a claim fails")
    arguments = parser.parse_args()
    with messages_instead_of_tracebacks():
        verdicts = verify(ROOT / "runs", ROOT / "reports", arguments.matrix, arguments.article)
        if arguments.all:
            print_verdicts(verdicts)
        else:
            print_counts(verdicts)
            print(next_commands(arguments.matrix, arguments.article))
    return 0 if arguments.report_only or verdicts.all_hold else 1


if __name__ == "__main__":
    raise SystemExit(main())
