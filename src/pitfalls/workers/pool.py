"""A pool of workers that may die alone: a worker's death ends the job that it had, and no other.

pebble runs the jobs. Added here is what a sweep needs besides: workers end when their parent does, also by
SIGKILL, a worker that leaves with status 0 in the middle of a job is noticed, and a pool that breaks
is made again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any

import cloudpickle
from pebble import ProcessExpired, ProcessPool

from pitfalls.startup import stop_if_asked
from pitfalls.workers.endings import WorkerDied

LOOK_SECONDS = 0.5

MOST_POOLS = 5
"""So many pools may break without one job done before that is an error."""

PRELOAD = "PITFALLS_PRELOAD"
"""The environment variable that names what workers share: see `pitfalls.workers.preload`."""


Returned = Any | BaseException


def run_in_workers(
    job: Callable[..., Any],
    arguments: Sequence[tuple[Any, ...]],
    workers: int,
    renewed_after: int,
    preload: Sequence[str] = (),
) -> list[Returned]:
    """Call a function with each of some arguments, in processes that may die alone.

    Args:
        job: The function; any that cloudpickle takes.
        arguments: Those of each call.
        workers: How many processes there are at most.
        renewed_after: After so many jobs a worker is replaced by a new one.
        preload: A framework and modules that are imported once, and that each worker has from its first moment; without any,
            workers begin from nothing. They must not start threads when they are imported.

    Returns:
        For each call what it returned, or the exception that it raised; `WorkerDied` where its worker did.

    Raises:
        BrokenProcessPool: Workers cannot be started here.
        KeyboardInterrupt: As it comes; no worker is left.
    """
    context = context_with(preload)
    returned: dict[int, Returned] = {}
    broken = 0
    while left := [index for index in range(len(arguments)) if index not in returned]:
        before = len(returned)
        pids = context.RawArray("i", len(arguments))
        pool = ProcessPool(
            min(workers, len(left)),
            max_tasks=renewed_after,
            initializer=begin,
            initargs=(cloudpickle.dumps(job), pids),
            context=context,
        )
        run_in_pool(pool, {index: arguments[index] for index in left}, pids, returned)
        broken = broken + 1 if len(returned) == before else 0
        if broken >= MOST_POOLS:
            raise BrokenProcessPool("workers cannot be started here")
    return [returned[index] for index in range(len(arguments))]


def context_with(preload: Sequence[str]) -> Any:
    """Return how workers are started: from a server that has imported what they share, or from nothing.

    A process has one such server, which keeps what it first imported: whoever shares something else begins from nothing.
    """
    wanted = " ".join(preload)
    if not preload or os.environ.setdefault(PRELOAD, wanted) != wanted:
        return multiprocessing.get_context("spawn")
    multiprocessing.set_forkserver_preload(["pitfalls.workers.preload"])
    return multiprocessing.get_context("forkserver")


def run_in_pool(
    pool: ProcessPool,
    arguments: dict[int, tuple[Any, ...]],
    pids: Sequence[int],
    returned: dict[int, Returned],
) -> None:
    """Run jobs in a pool until each has ended or the pool breaks; whatever is raised here, no worker is left."""
    try:
        futures = {pool.schedule(do, args=(index, given)): index for index, given in arguments.items()}
        collect(futures, pids, returned)
        pool.close()
    except BaseException:
        pool.stop()
        raise
    finally:
        pool.join()


def collect(futures: Mapping[Any, int], pids: Sequence[int], returned: dict[int, Returned]) -> None:
    """Wait for every future; those of a pool that broke are left out."""
    waiting, suspects = set(futures), set[Any]()
    while waiting:
        done, waiting = wait(waiting, timeout=LOOK_SECONDS)
        stop_if_asked()
        for future in done:
            result = outcome_of(future)
            if not isinstance(result, BrokenProcessPool):
                returned[futures[future]] = result
        alive = {child.pid for child in multiprocessing.active_children()}
        gone = {future for future in waiting if pids[futures[future]] and pids[futures[future]] not in alive}
        for future in gone & suspects:  # for the second time: its end was no error to pebble
            future.cancel()
        suspects = gone


def outcome_of(future: "Future[Any]") -> Returned:
    """Return what a job returned, or what ended it."""
    try:
        return future.result()
    except CancelledError:
        return WorkerDied(0)
    except ProcessExpired as error:
        return WorkerDied(error.exitcode)
    except Exception as error:
        return error


_job: Callable[..., Any]
_pids: Sequence[int]


def begin(job: bytes, pids: Any) -> None:
    """Make a new worker ready: it ends at once when it is asked to, or when its parent has ended."""
    global _job, _pids
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=end_with_parent, daemon=True).start()
    _job, _pids = cloudpickle.loads(job), pids


def end_with_parent() -> None:
    """End this process when its parent has ended, by whatever."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    wait_for([parent.sentinel])
    os._exit(1)


def do(index: int, arguments: tuple[Any, ...]) -> Any:
    """Do one job in a worker."""
    _pids[index] = os.getpid()  # type: ignore[index]
    return _job(*arguments)
