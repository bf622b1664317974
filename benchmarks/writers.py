"""How many runs a second one store takes, by the number of processes that write: SQLite, and a server with PostgreSQL.

Nothing is trained: each process sends results that are made up, as `src/track.py` sends those that a store lacks.
The server is on 127.0.0.1, and needs Debian's postgresql and psycopg (`make setup-cluster`).

    python benchmarks/writers.py             1, 2, 4 and 8 processes, 20 runs each, some two minutes
    python benchmarks/writers.py --runs 50
"""

import argparse
import dataclasses
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pairs import store_in
from scale import CELLS, configured, write

from pitfalls.config import schema
from pitfalls.config.schema import Config
from pitfalls.project import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from hydra import initialize_config_dir
from made_server import server_with_postgres, why_no_postgres

PROCESSES = (1, 2, 4, 8)


@contextmanager
def stores() -> Iterator[dict[str, list[str]]]:
    """Give the overrides of each store that can be had here."""
    with tempfile.TemporaryDirectory() as folder:
        sqlite = store_in(folder)
        if why := why_no_postgres():
            print(f"no server is measured: {why}", flush=True)
            yield {"SQLite": sqlite}
            return
        with server_with_postgres() as server:
            yield {
                "SQLite": sqlite,
                "a server with PostgreSQL": ["tracking=server", f"tracking.uri={server.uri}"],
            }


def make_up(config: Config, runs: int, place: Path) -> None:
    """Write results that are to be sent to a store."""
    shutil.rmtree(place, ignore_errors=True)
    for seed in range(runs):
        write(CELLS[0], dataclasses.replace(config, seed=seed, sweep=place.name), place)


def send(config: Config, sweep: str, ready: "multiprocessing.Barrier") -> None:
    """Send the results of one sweep, once every process is ready to."""
    from pitfalls.tracking import reconcile
    from pitfalls.verdicts.guard import GuardReport

    ready.wait()
    reconcile(config.tracking, sweep, GuardReport())


def runs_a_second(words: list[str], processes: int, runs: int) -> float:
    """Return how many runs a second reach a store that so many processes write to at once."""
    config = configured(CELLS[0], words)
    places = [ROOT / "runs" / f"bench-writer-{number}" for number in range(processes)]
    for place in places:
        make_up(config, runs, place)
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    writers = [context.Process(target=send, args=(config, place.name, ready)) for place in places]
    for writer in writers:
        writer.start()
    ready.wait()
    started = time.perf_counter()
    for writer in writers:
        writer.join()
    took = time.perf_counter() - started
    for place in places:
        shutil.rmtree(place)
    assert all(writer.exitcode == 0 for writer in writers)
    return processes * runs / took


def main() -> None:
    """Measure, and print a line for each store and number of processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, help="that each process sends")
    told = parser.parse_args()
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"), stores() as found:
        for name, words in found.items():
            runs_a_second(words, 1, 1)  # the store, and what it makes at first
            for processes in PROCESSES:
                print(
                    f"{name}, {processes} at once: {runs_a_second(words, processes, told.runs):.1f} runs/s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
