"""Hold the benchmarks of this machine against those of the release, and fail where noise cannot be the reason.

A median fails that is more than 2.5 times worse than the worst pair of the release. What was not measured
here, or was not released, is left out.

    python benchmarks/compare.py
"""

import argparse
import sys

from rich.console import Console
from rich.table import Table

from pitfalls.errors import messages_instead_of_tracebacks
from pitfalls.project import RELEASE, ROOT
from pitfalls.verdicts.benchmarks import NOISE, PLACE, Benchmarks


def main() -> None:
    """Print both medians of each benchmark, and exit with 1 if one is beyond noise."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with messages_instead_of_tracebacks():
        here = Benchmarks.read(ROOT / "reports" / PLACE).benchmarks
        released = Benchmarks.read(ROOT / RELEASE / PLACE).benchmarks
    table = Table("benchmark", "here", "release", "its pairs", "")
    beyond = []
    for name, benchmark in here.items():
        if not (then := released.get(name)):
            continue
        if benchmark.is_beyond(then):
            beyond.append(name)
        pairs = f"{then.lowest:.2f} to {then.highest:.2f}"
        table.add_row(
            name,
            f"{benchmark.median:.3f}",
            f"{then.median:.3f}",
            pairs,
            "BEYOND NOISE" if name in beyond else "",
        )
    Console().print(table)
    if beyond:
        sys.exit(
            f"{', '.join(beyond)}: worse than the worst pair of the release by a factor of {NOISE} and more."
        )


if __name__ == "__main__":
    main()
