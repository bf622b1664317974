"""Write down which frameworks are installed here, for the stages of the pipeline that depend on them.

Example:
    python src/frameworks.py      writes reports/frameworks.json
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.frameworks import write_frameworks  # noqa: E402


def main() -> None:
    """Write which frameworks are installed."""
    argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prog="python src/frameworks.py",
    ).parse_args()
    with messages_instead_of_tracebacks():
        write_frameworks(ROOT / "reports")


if __name__ == "__main__":
    main()
