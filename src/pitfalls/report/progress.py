"""Progress: a bar where a terminal is, one line per run where none is."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pitfalls.errors import ResultError
from pitfalls.report.terminal import console
from pitfalls.report.words import number
from pitfalls.results import Result, Verdict

POLL_SECONDS = 0.5

EpochHook = Callable[[int, float], None]
"""Called at the end of each epoch with its index and mean loss."""


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
    with bar(console(stderr=True)) as progress:
        row = progress.add_task(description, total=epochs)

        def on_epoch_end(epoch: int, loss: float) -> None:
            progress.update(row, completed=epoch + 1, description=f"{description}   loss {loss:.4g}")

        yield on_epoch_end


def run_line(result: Result, verdict: Verdict) -> str:
    """Return a run in one line that fits a terminal: its loss, its effect and verdict, its time, its name."""
    seconds = f"{result.seconds.total:.1f} s"
    loss = f"loss {number(result.final_loss):<8}"
    return f"{loss} {verdict.effect:<8} {verdict.verdict} {seconds:>7}  {result.cell}"


class SweepProgress:
    """Watches the folders of a sweep's runs, whatever launcher trains them.

    A launcher returns when all is over, and its jobs may run on other machines: what
    tells that one has finished is its result.
    """

    def __init__(self, runs: list[tuple[Path, str]]) -> None:
        """Watch runs, given as (folder, fingerprint)."""
        self._waiting = list(runs)
        self._total = len(runs)
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
        with bar(console()) as progress:
            row = progress.add_task("training", total=self._total)
            is_last_look = False
            while not is_last_look:
                is_last_look = self._over.wait(POLL_SECONDS)
                for line in self._news():
                    progress.update(row, advance=1)
                    progress.console.print(line, markup=False, soft_wrap=True)

    def _news(self) -> Iterator[str]:
        """Yield a line for each run that has finished since the last look."""
        for folder, fingerprint in list(self._waiting):
            if line := self._line(folder, fingerprint):
                self._waiting.remove((folder, fingerprint))
                yield f"[{self._total - len(self._waiting):>3}/{self._total}] {line}"

    def _line(self, folder: Path, fingerprint: str) -> str | None:
        """Return a run's line, None until its result and its verdict are there."""
        path = folder / "result.json"
        if not path.exists() or path.stat().st_mtime < self._started:
            return None
        try:
            result = Result.read(path)
            if result.fingerprint != fingerprint:
                return None
            return run_line(result, Verdict.read(folder / "verdict.json"))
        except ResultError:
            return None
