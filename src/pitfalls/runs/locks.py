"""Locks: who works on a folder, so that two commands at once do nothing twice.

flufl.lock needs hard links of a file system, and no byte-range locks, so a folder that a cluster
shares will do. A lock has a lifetime, which a thread renews. One whose process died is taken over:
at once on the same machine, after its lifetime from another.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from flufl.lock import Lock, LockState, TimeOutError

from pitfalls.startup import stop_if_asked

LIFETIME = timedelta(seconds=90)
"""How long a machine that vanished keeps what it held; clocks of machines may differ by a fraction of it."""

RENEWED_EVERY_SECONDS = 20

LOOK_AGAIN_SECONDS = 0.1

AT_ONCE = timedelta(seconds=-1)
"""The patience of whoever asks once."""

logging.getLogger("flufl.lock").setLevel(logging.CRITICAL)  # it calls a lock that somebody has an error


def is_held(path: Path) -> bool:
    """Tell whether a process that lives, as far as can be known, holds a lock."""
    lock = Lock(str(path))
    try:
        return lock.state not in (LockState.unlocked, LockState.stale) and datetime.now() < lock.expiration
    except OSError:
        return False  # it was released in between


@contextmanager
def lock_if_free(path: Path) -> Iterator[bool]:
    """Hold a lock in the body of a `with`, if nobody has it.

    Args:
        path: The lock's file; its folder is made.

    Yields:
        Whether the lock is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    take_from_the_dead(path)
    lock = Lock(str(path), lifetime=LIFETIME)
    try:
        lock.lock(timeout=AT_ONCE)
    except TimeOutError:
        yield False
        return
    over = threading.Event()
    renewing = threading.Thread(target=renew, args=(lock, over), daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        over.set()
        renewing.join()
        lock.unlock(unconditionally=True)


@contextmanager
def lock(path: Path, patience_seconds: float = float("inf")) -> Iterator[None]:
    """Hold a lock in the body of a `with`, once whoever has it is done.

    Raises:
        TimeoutError: It is still held.
        KeyboardInterrupt: This process was asked to stop.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        stop_if_asked()
        with lock_if_free(path) as is_mine:
            if is_mine:
                yield
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} is held by another process")
        time.sleep(LOOK_AGAIN_SECONDS)


def renew(lock: Lock, over: threading.Event) -> None:
    """Keep a lock alive until all is over."""
    while not over.wait(RENEWED_EVERY_SECONDS):
        with suppress(OSError):
            lock.refresh(unconditionally=True)


def take_from_the_dead(path: Path) -> None:
    """Remove a lock whose holder is dead.

    The lock is a second name of the file by which its holder claimed it. Of several that see it
    dead at once, one alone can remove that file, and that one removes the lock.
    """
    with suppress(OSError):
        claim = path.with_name(Path(path.read_text()).name)
        if not is_held(path):
            claim.unlink()
            path.unlink()
