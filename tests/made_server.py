"""MLflow servers of a test's own, on 127.0.0.1 alone, over SQLite or PostgreSQL; to be killed and started again."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"

PATIENCE_SECONDS = 90

QUIET = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}

DAEMON = "postgres"
"""PostgreSQL does not start as root; Debian's package makes this user."""


def free_port() -> int:
    """Return a port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if it is not installed."""
    found = sorted(glob("/usr/lib/postgresql/*/bin/initdb")) or [shutil.which("initdb")]
    return Path(found[-1]).parent if found[-1] else None


def why_no_postgres() -> str:
    """Return in one line what PostgreSQL's tests lack here, "" if nothing."""
    if programs() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    if find_spec("psycopg") is None:
        return "psycopg is not installed: make setup-cluster"
    return ""


def as_daemon() -> dict[str, object]:
    """Return how to start PostgreSQL's programs: as another user, where we are root."""
    if os.getuid():
        return {}
    daemon = pwd.getpwnam(DAEMON)
    return {"user": daemon.pw_uid, "group": daemon.pw_gid, "extra_groups": []}


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with its data in a folder and a socket there, and no port at all.

    Args:
        folder: A new folder with a short name, since a socket's is limited.

    Yields:
        The address of its empty database.
    """
    bin_, told = programs(), as_daemon()
    assert bin_ is not None, "why_no_postgres says so"
    folder.mkdir()
    if told:
        shutil.chown(folder, DAEMON)
    data = folder / "data"
    subprocess.run(
        [bin_ / "initdb", "-D", data, "-A", "trust", "-U", DAEMON, "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **told,
    )  # fmt: skip
    server = subprocess.Popen(
        [bin_ / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=60"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **told,
    )  # fmt: skip
    try:
        wait_for(lambda: (folder / ".s.PGSQL.5432").exists() and server.poll() is None)
        wait_for(
            lambda: not subprocess.run([bin_ / "pg_isready", "-q", "-h", folder], check=False).returncode
        )
        yield f"postgresql://{DAEMON}@/{DAEMON}?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # its quick way to end: connections are cut
        server.wait(timeout=60)


class Server:
    """An MLflow server that keeps artifacts in a folder of its own."""

    def __init__(self, folder: Path, backend: str = "", workers: int = 1) -> None:
        """Take a folder, and an address of a database; SQLite in the folder without one."""
        self.folder, self.workers = folder, workers
        self.backend = backend or f"sqlite:///{folder}/server.db"
        self.port = free_port()
        self.uri = f"http://{HOST}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(self.port),
            "--workers", str(self.workers), "--backend-store-uri", self.backend,
            "--serve-artifacts", "--artifacts-destination", str(self.folder / "artifacts"),
        ]  # fmt: skip
        printed = (self.folder / "server.txt").open("ab")
        self._process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | QUIET,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
        wait_for(self.answers)

    def answers(self) -> bool:
        """Tell whether it answers."""
        assert self._process is not None and self._process.poll() is None, (
            self.folder / "server.txt"
        ).read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """End it and its workers at once, as a machine that loses its power does."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=60)
            self._process = None

    def __enter__(self) -> "Server":
        """Start it."""
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """End it."""
        self.kill()


@contextmanager
def server_with_postgres() -> Iterator[Server]:
    """Run a server with PostgreSQL behind it; a socket's name must be short, so not below pytest's own folder."""
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "data") as backend, Server(folder, backend, workers=2) as server:
            yield server


def wait_for(condition: "object") -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It does not.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError("a server did not start")
        time.sleep(0.1)
