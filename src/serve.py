"""Serve the promoted model over HTTP, on this machine only, until you press Ctrl-C. `make serve` runs this.

The model comes from the store that has its run: the project's own, or a tracking server.

Example:
    python src/serve.py --port 5001
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.serve import serve  # noqa: E402


def main() -> None:
    """Become MLflow's server of the model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/serve.py"
    )
    parser.add_argument("--port", type=int, default=5001, help="a free port of this machine")
    with messages_instead_of_tracebacks():
        serve(ROOT, parser.parse_args().port)


if __name__ == "__main__":
    main()
