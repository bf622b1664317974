"""Make the tracking store equal to runs/: send results that it lacks, renew verdicts, close runs whose process died.

What stands in runs/ is the truth. So a store that was emptied, deleted or restored from a copy is filled
again, and one that was away while runs were trained gets them now. Called twice, it does nothing the
second time. Exit status 0: the store is equal to runs/; 1: some results cannot be sent; 2: a store is away.

Example:
    python src/track.py
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.stages.track import track  # noqa: E402


def main() -> int:
    """Track, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/track.py"
    )
    parser.parse_args()
    with messages_instead_of_tracebacks():
        return 1 if track() else 0


if __name__ == "__main__":
    raise SystemExit(main())
