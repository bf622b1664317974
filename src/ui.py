"""Browse the runs in MLflow, on this machine only, until you press Ctrl-C. `make ui` runs this.

Of runs that are tracked on a server it prints the links to that server's own pages.

Examples:
    python src/ui.py
    python src/ui.py --port 5005
"""

import argparse
from pathlib import Path

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.ui import browse  # noqa: E402


def main() -> None:
    """Print the links and become MLflow's server."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/ui.py"
    )
    parser.add_argument("--port", type=int, default=5000, help="a free port of this machine")
    parser.add_argument("--database", type=Path, help="another database of MLflow than this project's")
    arguments = parser.parse_args()
    with messages_instead_of_tracebacks():
        if arguments.database:
            browse(arguments.database.resolve(), arguments.port)
        else:
            browse(ROOT / "mlflow.db", arguments.port, ROOT / "runs")


if __name__ == "__main__":
    main()
