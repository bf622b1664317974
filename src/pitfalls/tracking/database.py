"""The database of a local store: made once and whole, and recognised where it is not.

MLflow makes a SQLite store in its place, in sixty steps: of several processes that begin at
once most fail, and what they leave can be half-made for ever. Here one process makes it
under another name, the others wait, and it takes its place when it is whole.
"""

import glob
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import mlflow

from pitfalls.errors import TrackingError
from pitfalls.runs.locks import lock
from pitfalls.tracking import private

Condition = Literal["missing", "half-made", "whole"]

PATIENCE_SECONDS = 300

LOCKED_SECONDS = 20.0
"""How long to wait for a transaction of another process; MLflow waits as long."""

QUIET_SECONDS = 3.0
"""A half-made database that does not change for so long is made by nobody."""

SIDECARS = ("", "-journal", "-wal", "-shm")
"""The files of a database. A journal that is left beside another database would be played into it."""

REBUILT = "`python src/track.py` then fills it again from runs/."


def local_database(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for a server or a store in memory."""
    path = uri.removeprefix("sqlite:///").partition("?")[0]
    return Path(path) if uri.startswith("sqlite:///") and path not in ("", ":memory:") else None


def make_ready(database: Path, make: Callable[[Path], None]) -> None:
    """Make sure that a store's database is there and whole.

    One that is half-made and holds no run is set aside and made again.

    Args:
        database: The file.
        make: Makes a new one in the place that it is given.

    Raises:
        TrackingError: It is locked, damaged, or made by another MLflow.
    """
    if condition_of(database) == "whole":
        return
    with making(database):
        if condition_of(database) == "half-made" and settled(database) == "half-made":
            set_aside(database)
        if not database.exists():
            remove_leftovers(database)
            make_beside(database, make)


@contextmanager
def making(database: Path) -> Iterator[None]:
    """Be the only process that makes a database, in the body of a `with`.

    Raises:
        TrackingError: Another process does not come to an end with it.
    """
    place = Path(f"{database.resolve()}.lock")
    try:
        with lock(place, PATIENCE_SECONDS):
            yield
    except TimeoutError as error:
        raise TrackingError(
            f"{database} has been made by another process for {PATIENCE_SECONDS} seconds.\n"
            f"Nothing was trained. Stop that process, remove {place.name} and run the same command again, "
            "or run with tracking=off."
        ) from error


def make_beside(database: Path, make: Callable[[Path], None]) -> None:
    """Make a database under another name, and let it take its place when it is whole.

    A second name is given and the first removed, since that does not replace what somebody else made meanwhile.
    """
    beside = database.with_name(f".{database.name}.{os.getpid()}.tmp")
    try:
        make(beside)
        os.link(beside, database)
    except FileExistsError:
        return
    finally:
        beside.unlink(missing_ok=True)


def remove_leftovers(database: Path) -> None:
    """Remove what a process that was killed while it made the database left, and the journal of one that was deleted."""
    unfinished = database.parent.glob(f".{glob.escape(database.name)}.*.tmp*")
    for place in [*unfinished, *sidecars_of(database)]:
        place.unlink(missing_ok=True)


def sidecars_of(database: Path) -> list[Path]:
    """Return the files of a database, whether they are there or not."""
    return [Path(f"{database}{suffix}") for suffix in SIDECARS]


def settled(database: Path) -> Condition:
    """Return the condition of a database once nobody changes it: another program may be making it."""
    before = None
    while (now := last_change(database)) != before:
        before = now
        time.sleep(QUIET_SECONDS)
    return condition_of(database)


def last_change(database: Path) -> list[tuple[int, int]]:
    """Return size and time of the last change of a database's files."""
    there = [place.stat() for place in sidecars_of(database) if place.exists()]
    return [(stat.st_size, stat.st_mtime_ns) for stat in there]


def set_aside(database: Path) -> None:
    """Rename a half-made database, and say so."""
    aside = Path(f"{database}.half-made")
    for place, other in zip(sidecars_of(database), sidecars_of(aside), strict=True):
        other.unlink(missing_ok=True)
        if place.exists():
            place.rename(other)
    print(
        f"{database.name} was half-made and held no run: it is now {aside.name}, and a new one is made.",
        file=sys.stderr,
        flush=True,
    )


@dataclass(frozen=True)
class Contents:
    """What tells in which condition a database is."""

    tables: set[str]
    revision: str | None
    has_runs: bool

    @property
    def is_half_migrated(self) -> bool:
        """Whether a step of a migration began and did not end."""
        return any(name.startswith("_alembic_tmp_") for name in self.tables)

    @property
    def own_tables(self) -> set[str]:
        """Its tables but for those by which a migration is done."""
        return {name for name in self.tables if not name.startswith(("_alembic_tmp_", "alembic_"))}


def condition_of(database: Path) -> Condition:
    """Return in which condition a database is.

    Raises:
        TrackingError: It is locked, no database, something else than a store, or made by another MLflow.
    """
    if not database.exists():
        return "missing"
    if not database.stat().st_size:
        return "half-made"
    contents, known = contents_of(database), private.revisions()
    if contents.own_tables and not contents.own_tables & private.tables():
        raise TrackingError(other_content(database))
    if contents.revision is not None and contents.revision not in known:
        raise TrackingError(newer(database))
    is_complete = private.tables() <= contents.tables and not contents.is_half_migrated
    if is_complete and contents.revision == known[0]:
        return "whole"
    if contents.has_runs:
        raise TrackingError(older(database) if is_older(contents) else interrupted(database))
    return "half-made"


def is_older(contents: Contents) -> bool:
    """Tell whether a database was whole for another version."""
    return contents.revision is not None and not contents.is_half_migrated


def contents_of(database: Path) -> Contents:
    """Read what tells in which condition a database is.

    Raises:
        TrackingError: It is locked, or no database; MLflow would retry for minutes.
    """
    place = f"{database.resolve().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(place, timeout=LOCKED_SECONDS, uri=True)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows if not name.startswith("sqlite_")}
            revision = first(connection, "SELECT version_num FROM alembic_version", tables, "alembic_version")
            has_runs = bool(first(connection, "SELECT 1 FROM runs LIMIT 1", tables, "runs"))
            return Contents(tables, revision, has_runs)
    except sqlite3.Error as error:
        is_locked = "database is locked" in str(error)
        raise TrackingError(locked_by_another(database) if is_locked else damaged(database, error)) from error


def first(connection: sqlite3.Connection, query: str, tables: set[str], table: str) -> str | None:
    """Return the first value of a table, None if the table is not there or empty."""
    row = connection.execute(query).fetchone() if table in tables else None
    return row and row[0]


def locked_by_another(database: Path) -> str:
    """Say that another process holds a database, and what to do."""
    return (
        f"{database} is locked by another process, so nothing can be tracked in it.\n"
        f"Results in runs/ are kept. Wait until that process has finished, or stop it (`fuser -v {database}` "
        "names it), and run the same command again."
    )


def damaged(database: Path, error: sqlite3.Error) -> str:
    """Say that a file is no database, and what to do."""
    return f"{database} cannot be used: {error}.\n{moved_away(database)}"


def moved_away(database: Path) -> str:
    """Say how to begin a new store."""
    return (
        f"Nothing was trained. Move it away (mv {database.name} {database.name}.damaged), and a new one is made: "
        f"{REBUILT} Or run with tracking=off."
    )


def interrupted(database: Path) -> str:
    """Say that a migration of a store that holds runs was interrupted, and what to do."""
    return (
        f"{database} holds runs, but an upgrade of its tables was interrupted.\n"
        f"If none is under way: {moved_away(database)}"
    )


def older(database: Path) -> str:
    """Say that a store that holds runs was made by an older MLflow, and what to do."""
    return (
        f"{database} holds runs and was made by an older MLflow than {mlflow.__version__}.\n"
        f"Nothing was trained. Copy it and upgrade it: mlflow db upgrade sqlite:///{database}"
    )


def newer(database: Path) -> str:
    """Say that a store was made by an MLflow that this one does not know, and what to do."""
    return (
        f"{database} was made by another MLflow than {mlflow.__version__}, which cannot read it.\n"
        f"{moved_away(database)}"
    )


def other_content(database: Path) -> str:
    """Say that a database belongs to something else, and what to do."""
    return (
        f"{database} holds tables, but none of MLflow's: it belongs to another program.\n"
        "Nothing was trained. Name another file with tracking.uri=sqlite:///..., or run with tracking=off."
    )
