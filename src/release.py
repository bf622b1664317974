"""Take this machine's numbers and plots for the next release: reports/release/, and the README's results.

Git holds the last release; what a run of the pipeline writes into reports/ is ignored. So
a reproduction changes no tracked file, and a release is a decision.

Example:
    make reproduce; make release; git add README.md reports/release
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.release import release  # noqa: E402


def main() -> None:
    """Release, and say what to commit."""
    argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prog="python src/release.py",
    ).parse_args()
    with messages_instead_of_tracebacks():
        summary = release(ROOT)
    print(f"{summary}\nCommit the release: git add README.md reports/release")


if __name__ == "__main__":
    main()
