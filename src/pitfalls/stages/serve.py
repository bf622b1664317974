"""Serve: the promoted model over HTTP, on this machine only, from the store that has its run."""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from pitfalls.errors import PromotionError
from pitfalls.project import SeededCell
from pitfalls.runs.folder import tracked_as

HOST = "127.0.0.1"


def serve(project: Path, port: int) -> NoReturn:
    """Become the server of the promoted model, until it is interrupted.

    Args:
        project: The folder of runs/ and reports/.
        port: A free port of this machine.

    Raises:
        PromotionError: Nothing is promoted, or the promoted run is not tracked.
    """
    command = [
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        "models:/mean-of-two@champion",
        "--env-manager",
        "local",
    ]
    place = ["--host", HOST, "--port", str(port), "--workers", "1"]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store_of_champion(project),
        "KERAS_BACKEND": "tensorflow",
        "PATH": path_with_our_programs(),
    }
    os.execve(sys.executable, [sys.executable, *command, *place], environment)


def path_with_our_programs() -> str:
    """Return PATH with the folder of this Python first: MLflow looks for `uvicorn` there, activated or not."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def store_of_champion(project: Path) -> str:
    """Return the store that has the promoted run, and its model.

    Raises:
        PromotionError: Nothing is promoted, or its run is not tracked.
    """
    promoted = project / "reports" / "champion.json"
    if not promoted.exists():
        raise PromotionError(
            "nothing is promoted yet.\nRun `make reproduce`, or promote a run: src/promote.py."
        )
    champion = json.loads(promoted.read_text())["champion"]
    cell = SeededCell(champion["runtime"], champion["generator"], champion["model"], champion["seed"])
    tracked = tracked_as(project / "runs" / "matrix" / cell.path)
    if tracked is None:
        raise PromotionError(f"{cell} is promoted, but its run is not tracked.\nRun `dvc repro promote`.")
    return tracked.store.uri
