"""Supervision: runs somebody's code in a child process, with a limit that nothing can outstay.

The code may sleep, loop, block in C, print, exit or crash. The parent waits for the
child's word on a pipe, and ends it when the time is over. The code may also write to that
pipe or close it, as it is one of its process's open files: each word carries a secret, and
where anything else is read the check has failed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypedDict

from pitfalls.guard.command.relay import Relay
from pitfalls.guard.command.results import Position
from pitfalls.guard.findings import ReportRecord

if TYPE_CHECKING:
    from typing import Unpack  # Python 3.10 has none


class Said(TypedDict, total=False):
    """What a child says: what it does, how many batches it saw, what would help, a result, an error, that it is done."""

    stage: str
    seen: int
    hint: str
    result: tuple[ReportRecord, list[Position]]
    error: str
    done: bool


class Say(Protocol):
    """How a child says it: by name, the last value counts."""

    def __call__(self, **said: Unpack[Said]) -> None:
        """Tell the parent."""


@dataclass
class Outcome:
    """What a child said before it ended or was ended."""

    said: Said = field(default_factory=lambda: Said())
    out_of_time: bool = False
    garbled: bool = False
    interrupted: bool = False
    signal: int | None = None
    status: int | None = None


def supervise(work: Callable[[Say], None], seconds: float) -> Outcome:
    """Run work in a child process, and return the last value it said for each name.

    What the child prints goes to standard error, up to a limit, and its standard input is empty.
    """
    reader, writer = os.pipe()
    printed, printing = os.pipe()
    secret = os.urandom(16).hex().encode() + b" "
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _be_the_child(work, writer, secret, printing)
    os.close(writer)
    os.close(printing)
    outcome, relay = Outcome(), Relay(printed)
    try:
        _listen(reader, outcome, time.monotonic() + seconds, secret, relay)
    except KeyboardInterrupt:
        outcome.interrupted = True
    os.close(reader)
    _end(child, outcome)
    relay.finish()
    return outcome


def _be_the_child(work: Callable[[Say], None], writer: int, secret: bytes, printing: int) -> None:
    """Do the work, say what is to be said, and leave without any of the parent's clean-up."""
    _leave_the_parents_streams(printing)
    _close_the_parents_files(writer)
    os.set_inheritable(writer, False)
    pipe = os.fstat(writer)

    def say(**said: Unpack[Said]) -> None:
        data = secret + json.dumps(said).encode() + b"\n"
        if not os.path.samestat(pipe, os.fstat(writer)):
            os._exit(0)  # the pipe was closed, and its number is another file's by now
        while data:
            data = data[os.write(writer, data) :]

    try:
        work(say)
    except BaseException as error:
        say(error=f"{type(error).__name__}: {error}")
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(0)


def _leave_the_parents_streams(printing: int) -> None:
    """Be a group of processes of its own, read nothing, and print to a pipe."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(printing, 1)
    os.dup2(printing, 2)
    sys.stdout = sys.stderr


def _close_the_parents_files(writer: int) -> None:
    """Keep no file of the parent's open but the three streams and the pipe: code that writes to numbers finds none."""
    os.closerange(3, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))


def _listen(reader: int, outcome: Outcome, deadline: float, secret: bytes, relay: Relay) -> None:
    """Take lines from the child until it has finished, the time is over, or a line is not its own."""
    buffer = b""
    while "done" not in outcome.said:
        left = deadline - time.monotonic()
        ready = _ready(reader, relay, left)
        if left <= 0 or not ready:
            outcome.out_of_time = True
            return
        if relay.reader in ready:
            relay.pass_on()
        if reader not in ready:
            continue
        data = os.read(reader, 1 << 16)
        if not data:
            return
        *lines, buffer = (buffer + data).split(b"\n")
        outcome.garbled = not all(_begins_with(line, secret) for line in [*lines, buffer])
        if outcome.garbled:
            return
        for line in lines:
            outcome.said.update(json.loads(line.removeprefix(secret)))


def _ready(reader: int, relay: Relay, seconds: float) -> list[int]:
    """Return the pipes that have something to read, nothing if the time is over."""
    pipes = [reader, relay.reader] if relay.is_open else [reader]
    return select.select(pipes, [], [], max(seconds, 0))[0]


def _begins_with(line: bytes, secret: bytes) -> bool:
    """Tell whether a line, or as much of it as was read, begins with the secret."""
    return line[: len(secret)] == secret[: len(line)]


def _end(child: int, outcome: Outcome) -> None:
    """End the child and whatever it started, and note how it went."""
    finished = "done" in outcome.said or outcome.out_of_time or outcome.interrupted or outcome.garbled
    if finished:
        for ended in (lambda: os.killpg(child, signal.SIGKILL), lambda: os.kill(child, signal.SIGKILL)):
            with contextlib.suppress(OSError):
                ended()
    _, status = os.waitpid(child, 0)
    if not finished:
        outcome.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        outcome.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
