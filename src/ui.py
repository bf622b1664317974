"""Browse the runs in MLflow, on this machine only, until you press Ctrl-C. `make ui` runs this.

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
    parser.add_argument(
        "--database", type=Path, default=ROOT / "mlflow.db", help="MLflow's database, if it is elsewhere"
    )
    arguments = parser.parse_args()
    with messages_instead_of_tracebacks():
        browse(arguments.database.resolve(), arguments.port)


if __name__ == "__main__":
    main()
