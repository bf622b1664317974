"""Judge every result again and write the verdicts; exit with 1 if a claim fails.

Reads result.json only, so that an edited formula is judged without training anything.

Examples:
    python src/verify.py
    python src/verify.py --matrix mine      the cells of the sweep `mine` in place of the matrix
    python src/verify.py --report-only      exit with 0 whatever was found, as the pipeline does
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.config.schema import ROOT  # noqa: E402
from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.report import tables  # noqa: E402
from pitfalls.results import write_json  # noqa: E402
from pitfalls.verdicts import cells as judging  # noqa: E402


def main() -> int:
    """Verify, write, print, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/verify.py"
    )
    parser.add_argument("--matrix", default="matrix", metavar="SWEEP", help="the sweep that holds the cells")
    parser.add_argument("--article", default="article", metavar="SWEEP", help="the sweep of the listings")
    parser.add_argument("--report-only", action="store_true", help="exit with 0 also if a claim failed")
    told = parser.parse_args()
    with messages_instead_of_tracebacks():
        guard = judging.read_guard(ROOT / "reports" / "guard.json")
        is_pipeline = (told.matrix, told.article) == ("matrix", "article")
        params = ROOT / "params.yaml" if is_pipeline else None
        verdicts, changed = judging.verify_all(ROOT / "runs", told.matrix, told.article, guard, params)
        if is_pipeline:
            write_json(ROOT / "reports" / "verdicts.json", verdicts)
            write_json(ROOT / "reports" / "metrics.json", tables.counts(verdicts))
        judging.write_changed(changed, guard)  # last of the writes: the tracking store may not answer
        tables.print_verdicts(verdicts)
    return 0 if told.report_only or tables.all_hold(verdicts) else 1


if __name__ == "__main__":
    raise SystemExit(main())
