"""Progress: a bar where a terminal is, one line per run where none is."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType

from hydra.core.hydra_config import HydraConfig
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pitfalls.errors import ResultError
from pitfalls.project import ROOT, EpochHook
from pitfalls.report.terminal import FAILED, columns_of, console, print_line, run_line
from pitfalls.report.words import counted, number
from pitfalls.results import Result, Verdict, finished
from pitfalls.runs.folder import ERROR, why_failed
from pitfalls.startup import stop_if_asked

POLL_SECONDS = 0.5

PAUSE_FOR_A_LOOK = 20
"""So many times as long as a look took passes until the next: a look at 10,000 folders takes 0.08 s."""

BESIDE_THE_NAME = 90
"""Columns that a bar takes with its loss, its counts and its times."""


def bar(screen: Console) -> Progress:
    """Return a progress bar that vanishes when it is done and is not drawn without a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )


@contextmanager
def epoch_bar(description: str, epochs: int) -> Iterator[EpochHook]:
    """Give a hook `(epoch, loss)` that draws the epochs of one run."""
    screen = console(stderr=True)
    # A name that does not fit beside the bar is left out: cut short, it could be another's.
    name = f"{description}   " if len(description) + BESIDE_THE_NAME <= screen.width else ""
    with bar(screen) as progress:
        row = progress.add_task(name or "training", total=epochs)

        def on_epoch_end(epoch: int, loss: float) -> None:
            stop_if_asked()
            progress.update(row, completed=epoch + 1, description=f"{name}loss {number(loss)}")

        yield on_epoch_end


@contextmanager
def counting_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Give a hook `(done, of)` that draws how far something is."""
    with bar(console(stderr=True)) as progress:
        row = progress.add_task(description, total=None)
        yield lambda done, of: progress.update(row, completed=done, total=of)


def workers_of(runs: int) -> int | None:
    """Return how many workers a launcher starts for some runs, None if it does not say."""
    launcher = HydraConfig.get().launcher if HydraConfig.initialized() else {}
    if not {"workers", "n_jobs"} & set(launcher):
        return None
    workers = launcher.get("workers") or launcher.get("n_jobs") or -1  # joblib's n_jobs is -1 for one a core
    return min(runs, workers if workers > 0 else os.cpu_count() or 1)


def starting(workers: int | None) -> str:
    """Say what is waited for until the first run has finished."""
    what = counted(workers, "worker") if workers else "training"
    return f"starting {what} (TensorFlow, about 10 s)"


def error_line(folder: Path, why: str, before: str) -> Text:
    """Return a failed run's reason and its folder."""
    place = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return Text.assemble(before, ("failed", FAILED), f"  {why}  {place}")


class SweepProgress:
    """Watches the folders of a sweep's runs, whatever launcher trains them.

    A launcher returns when all is over, and its jobs may run on other machines: what
    tells that one has finished is its result.
    """

    def __init__(self, runs: list[tuple[Path, str]]) -> None:
        """Watch runs, given as (folder, fingerprint)."""
        self._waiting = list(runs)
        self._total = len(runs)
        self._pause_seconds = POLL_SECONDS
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "SweepProgress":
        """Start to watch."""
        self._started = time.time()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look a last time, and stop."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        screen = console()
        news: list[Text] = []
        with screen.status(starting(workers_of(self._total))) if screen.is_terminal else nullcontext():
            while not (news or self._over.wait(self._pause_seconds)):
                news = list(self._news(columns_of(screen)))
        with bar(screen) as progress:
            row = progress.add_task("training", total=self._total)
            progress.tasks[0].start_time = progress.get_time() - (time.time() - self._started)
            is_last_look = False
            while news or not is_last_look:
                for line in news:
                    progress.update(row, advance=1)
                    print_line(progress.console, line)
                is_last_look = self._over.wait(self._pause_seconds)
                news = list(self._news(columns_of(screen)))

    def _news(self, columns: float) -> Iterator[Text]:
        """Yield a line for each run that has finished, or failed, since the last look."""
        since = time.perf_counter()
        for folder, fingerprint in list(self._waiting):
            read, error = self._read(folder, fingerprint), self._error(folder)
            if read or error:
                self._waiting.remove((folder, fingerprint))
                count = f"[{self._total - len(self._waiting):>3}/{self._total}] "
                yield run_line(*read, columns, before=count) if read else error_line(folder, error, count)
        self._pause_seconds = max(POLL_SECONDS, PAUSE_FOR_A_LOOK * (time.perf_counter() - since))

    def _error(self, folder: Path) -> str:
        """Return the first line of error.txt, "" if there is none of this launch."""
        with suppress(OSError):
            if (folder / ERROR).stat().st_mtime >= self._started:
                return why_failed(folder)
        return ""

    def _read(self, folder: Path, fingerprint: str) -> tuple[Result, Verdict] | None:
        """Return what a run measured and its verdict, None until both are there."""
        path = folder / "result.json"
        if not path.exists() or path.stat().st_mtime < self._started:
            return None
        try:
            result = finished(folder, fingerprint)
            return (result, Verdict.read(folder / "verdict.json")) if result else None
        except ResultError:
            return None
