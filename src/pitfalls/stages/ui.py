"""Browsing: MLflow's pages over the store, with few processes, on this machine only, behind links to the right views."""

import os
import socket
import sys
from pathlib import Path

from pitfalls.config.schema import Tracking
from pitfalls.errors import TrackingError
from pitfalls.stages.track import stores_of_sweeps

HOST = "127.0.0.1"

LIGHT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""With one worker: two processes and 0.4 GB in place of fifteen and 1.9 GB."""


def browse(database: Path, port: int, runs: Path | None = None) -> None:
    """Print the links to every store of the runs, and become the server of the local one, until it is interrupted.

    Args:
        database: MLflow's database.
        port: A free port of this machine.
        runs: The folder of all sweeps, whose runs may be tracked on servers that have pages of their own; None: they are not.

    Raises:
        TrackingError: There is nothing to browse, the database cannot be opened, or the port is taken.
    """
    servers = servers_of(runs) if runs else []
    for uri in servers:
        show_server(uri)
    if servers and not database.exists():
        return
    refuse_absent(database)
    refuse_taken(port)
    server = f"http://{HOST}:{port}"
    print("MLflow runs on this machine only, until you press Ctrl-C. In a few seconds, open")
    print(links(f"sqlite:///{database}", server), flush=True)
    command = ["-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", f"sqlite:///{database}"]
    os.execve(sys.executable, [sys.executable, *command, *store], os.environ | LIGHT)


def servers_of(runs: Path) -> list[str]:
    """Return the tracking servers that results say they are tracked on."""
    uris = dict.fromkeys(tracking.uri for _, tracking in stores_of_sweeps(runs))
    return [uri for uri in uris if uri.startswith("http")]


def show_server(uri: str) -> None:
    """Print the links to a server's own pages, or that it is away."""
    try:
        print(f"The server {uri} has runs of this project. Open\n{links(uri, uri)}", flush=True)
    except TrackingError as error:
        print(error, file=sys.stderr)


def links(uri: str, server: str) -> str:
    """Say where to look first, and give experiments without a view their own.

    Args:
        uri: The store.
        server: Where its pages are.

    Raises:
        TrackingError: It cannot be opened.
    """
    from pitfalls.tracking import client_for, view_links  # imports MLflow, which a refusal need not wait for

    client = client_for(Tracking(enabled=True, uri=uri))
    matrix, article, manual = (
        view_links(client, experiment, server) for experiment in ("matrix", "article", "manual")
    )
    return (
        f"  every cell of the matrix   {matrix['table']}\n"
        f"  its losses, drawn          {matrix['charts']}\n"
        f"  the article's listings     {article['table']}\n"
        f"  runs started by hand       {manual['table']}\n"
        "An assistant of MLflow opens beside the page. Close it once, and it stays closed.\n"
    )


def refuse_absent(database: Path) -> None:
    """Refuse a database that does not exist, which MLflow would create.

    Raises:
        TrackingError: Names the file.
    """
    if not database.exists():
        raise TrackingError(
            f"there are no tracked runs yet: {database.name} does not exist.\n"
            "Run `make reproduce`, or train one run with `python src/train.py`."
        )


def refuse_taken(port: int) -> None:
    """Refuse a port that another program uses.

    Raises:
        TrackingError: Names the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise TrackingError(
                f"port {port} of this machine cannot be used: {getattr(error, 'strerror', None) or error}.\n"
                f"Another server may be running. Stop it, or use another port: make ui PORT={port + 1}."
            ) from error
