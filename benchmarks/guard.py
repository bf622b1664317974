"""What the guard costs, measured side by side in one run, and whether that is within its bars.

Run      python benchmarks/guard.py
Exits    1 if a bar is missed
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from pairs import keep

import pitfalls.guard
from pitfalls import guard

STEP_SHARE, LARGE_MICROSECONDS, CHECK_SECONDS, IMPORT_SECONDS = 0.02, 100.0, 1.0, 0.2
SOURCE = str(Path(pitfalls.guard.__file__).parents[2])
GENERATOR = """
import numpy as np
def train_iterator(batch_size=64):
    x = np.zeros((batch_size, 2))
    while True:
        for i in range(batch_size):
            x[i] = np.random.randint(0, 100, 2)
        yield x, np.expand_dims(x.mean(-1), -1)
def fresh(batch_size=64):
    while True:
        x = np.random.randint(0, 100, (batch_size, 2)).astype(float)
        yield x, x.mean(-1, keepdims=True)
"""


def small_batches() -> Iterator[Any]:
    """Make batches of 64 x 2, as fast as they can be made."""
    rng = np.random.default_rng(0)
    while True:
        x = rng.random((64, 2))
        yield x, x.mean(-1, keepdims=True)


def large_batches() -> Iterator[Any]:
    """Hand out prepared batches of 32 x 224 x 224 x 3 float32 in turn: 19 MB each."""
    rng = np.random.default_rng(0)
    prepared = [rng.random((32, 224, 224, 3), dtype=np.float32) for _ in range(12)]
    labels = np.zeros(32)
    while True:
        for x in prepared:
            yield x, labels


def seconds_a_batch(batches: Iterator[Any], count: int) -> float:
    """Pull batches and return the mean time of one."""
    start = time.perf_counter()
    for _ in itertools.islice(batches, count):
        pass
    return (time.perf_counter() - start) / count


def watching_cost(make: Callable[[], Iterator[Any]], count: int, rounds: int) -> tuple[float, float, float]:
    """Return seconds a batch without watch, with it, and the median difference of alternating rounds."""
    alone, watched = make(), guard.watch(make())
    pairs = [(seconds_a_batch(alone, count), seconds_a_batch(watched, count)) for _ in range(rounds)]
    middle = statistics.median
    return middle(a for a, _ in pairs), middle(b for _, b in pairs), middle(b - a for a, b in pairs)


def fit_step() -> tuple[float, float]:
    """Return the median time of a step of fit, without watch and with it, in alternating epochs."""
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("rmsprop", loss="mse")
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(11):
        for with_watch in (False, True):
            source = guard.watch(small_batches()) if with_watch else small_batches()
            clock = Clock()
            model.fit(source, steps_per_epoch=400, verbose=0, callbacks=[clock.callback()])
            if number:
                times[with_watch].append(clock.seconds / 400)
    return statistics.median(times[False]), statistics.median(times[True])


class Clock:
    """Times an epoch from its beginning to its end."""

    def __init__(self) -> None:
        self.started = self.seconds = 0.0

    def callback(self) -> Any:
        import keras

        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: setattr(self, "started", time.perf_counter()),
            on_epoch_end=lambda *_: setattr(self, "seconds", time.perf_counter() - self.started),
        )


def command_seconds(*words: str) -> float:
    """Return the time of a command, from the shell: the least disturbed of seven runs."""
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    times = []
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)
        times.append(time.perf_counter() - start)
    return min(times)


def check_seconds() -> tuple[float, float, float]:
    """Return the time of a check that finds something, of one that does not, and of the import alone."""
    main = "import sys; from pitfalls.guard.command.cli import main; sys.exit(main())"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "train.py")
        file.write_text(GENERATOR)
        found = command_seconds("-c", main, "check", f"{file}:train_iterator")
        clean = command_seconds("-c", main, "check", f"{file}:fresh")
    bare = command_seconds("-c", "pass")
    return (
        found,
        clean,
        command_seconds("-c", "import pitfalls.guard.command.cli, pitfalls.guard.command.child") - bare,
    )


def main() -> int:
    """Measure everything, print a table, and return 1 if a bar is missed."""
    step, watched_step = fit_step()
    _, _, small_cost = watching_cost(small_batches, 2000, 15)
    _, _, large_cost = watching_cost(large_batches, 100, 15)
    share = small_cost / step
    keep("watch_on_a_step", "a step of fit and the watch of its batch / the step", [1 + share],
         "python benchmarks/guard.py", 1 + STEP_SHARE)  # fmt: skip
    found, clean, imported = check_seconds()
    rows = [
        ("fit(generator), a step of 64 x 2", f"{step * 1e6:.0f} us", "", True),
        ("the same with watch", f"{watched_step * 1e6:.0f} us", "", True),
        ("watch alone, a batch of 64 x 2", f"{small_cost * 1e6:.1f} us", "", True),
        ("its share of the step", f"{share:.2%}", f"{STEP_SHARE:.0%}", share <= STEP_SHARE),
        ("watch, a batch of 32 x 224 x 224 x 3", f"{large_cost * 1e6:.0f} us", f"{LARGE_MICROSECONDS:.0f} us",
         large_cost * 1e6 <= LARGE_MICROSECONDS),
        ("pitfalls check, corrupting", f"{found:.2f} s", f"{CHECK_SECONDS:.1f} s", found <= CHECK_SECONDS),
        ("pitfalls check, clean", f"{clean:.2f} s", f"{CHECK_SECONDS:.1f} s", clean <= CHECK_SECONDS),
        ("of it import", f"{imported:.2f} s", f"{IMPORT_SECONDS:.1f} s", imported <= IMPORT_SECONDS),
    ]  # fmt: skip
    for what, measured, bar, holds in rows:
        limit, verdict = "bar " + bar if bar else "", "" if holds else "MISSED"
        print(f"{what:<40} {measured:>9}  {limit:<11} {verdict}".rstrip())
    return 0 if all(holds for *_, holds in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
