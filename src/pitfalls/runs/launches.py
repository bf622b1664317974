"""Launches: one command that trains, from its start to its end; what a dead one left open can be told from that.

Each holds a lock of its own below its sweep's folder. A process that dies leaves it behind.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pitfalls.files import write_text
from pitfalls.runs.locks import is_held, lock_if_free, take_from_the_dead

LAUNCHES = ".launches"


@contextmanager
def launched(sweep_folder: Path, uri: str) -> Iterator[str]:
    """Give a launch its name, under which it is known to live in the body of the `with`.

    Args:
        sweep_folder: The folder of its sweep.
        uri: The store that its runs are tracked in.
    """
    name = uuid.uuid4().hex
    with lock_if_free(sweep_folder / LAUNCHES / name):
        write_text(store_of(sweep_folder, name), uri)
        yield name
        store_of(sweep_folder, name).unlink(missing_ok=True)


def store_of(sweep_folder: Path, launch: str) -> Path:
    """Return the file that says in which store the runs of a launch are tracked."""
    return sweep_folder / LAUNCHES / f"{launch}.store"


def stores_of_launches(sweep_folder: Path) -> dict[str, str]:
    """Return the launches of a sweep that live, died without a word or were interrupted, each with its store."""
    return {path.stem: path.read_text() for path in sorted((sweep_folder / LAUNCHES).glob("*.store"))}


def lives(sweep_folder: Path, launch: str) -> bool:
    """Tell whether a launch of a sweep lives."""
    return is_held(sweep_folder / LAUNCHES / launch)


def living(sweep_folder: Path) -> list[str]:
    """Return the launches of a sweep that live."""
    return [launch for launch in stores_of_launches(sweep_folder) if lives(sweep_folder, launch)]


def dead(sweep_folder: Path, uri: str) -> list[str]:
    """Return the launches of a sweep into a store that died without a word, or were interrupted."""
    launches = stores_of_launches(sweep_folder).items()
    return [launch for launch, store in launches if store == uri and not lives(sweep_folder, launch)]


def forget(sweep_folder: Path, launch: str) -> None:
    """Remove what a dead launch left behind, once nothing of it is open."""
    take_from_the_dead(sweep_folder / LAUNCHES / launch)
    store_of(sweep_folder, launch).unlink(missing_ok=True)
