"""Benchmarks: what the lab costs or saves, as ratios of two things that were measured side by side.

`make bench` writes reports/benchmarks.json, a release holds those of its machine, and the page shows
this machine's, or else the release's.
"""

import os
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from pitfalls.files import File, Record
from pitfalls.project import RELEASE

PLACE = "benchmarks.json"
"""The file's name, in reports/ and in reports/release/."""

NOISE = 2.5
"""A median this many times beyond the worst pair of the release is no noise: 1.8 was seen beside three other programs."""


class Benchmark(Record):
    """One ratio, measured in pairs.

    Attributes:
        what: What is divided by what.
        ratios: That of each pair, in the order of their measurement.
        bar: What the median should reach, None if there is none.
        is_better_higher: Whether more is better, as for a share of the ideal.
        command: How to measure it again.
        measured: The day, in UTC.
    """

    what: str
    ratios: list[float] = Field(min_length=1)
    bar: float | None = None
    is_better_higher: bool = False
    command: str
    measured: str

    @classmethod
    def of(
        cls,
        what: str,
        ratios: list[float],
        command: str,
        bar: float | None = None,
        is_better_higher: bool = False,
    ) -> "Benchmark":
        """Return a benchmark that was measured today."""
        return cls(
            what=what,
            ratios=[round(ratio, 4) for ratio in ratios],
            bar=bar,
            is_better_higher=is_better_higher,
            command=command,
            measured=datetime.now(UTC).strftime("%Y-%m-%d"),
        )

    @property
    def median(self) -> float:
        """The median of the pairs."""
        return statistics.median(self.ratios)

    @property
    def lowest(self) -> float:
        """The lowest of the pairs."""
        return min(self.ratios)

    @property
    def highest(self) -> float:
        """The highest of the pairs."""
        return max(self.ratios)

    @property
    def reaches_bar(self) -> bool:
        """Whether the median is within the bar; true where there is none."""
        if self.bar is None:
            return True
        return self.median >= self.bar if self.is_better_higher else self.median <= self.bar

    def is_beyond(self, released: "Benchmark") -> bool:
        """Tell whether the median is worse than the worst released pair by a factor that noise cannot give."""
        if self.is_better_higher:
            return self.median * NOISE < released.lowest
        return self.median > released.highest * NOISE


class Benchmarks(File):
    """What was measured on one machine: benchmarks.json.

    Attributes:
        machine: Its processor, cores and Python.
        benchmarks: Each by its name.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    machine: str
    benchmarks: dict[str, Benchmark] = {}

    @classmethod
    def here(cls, path: Path) -> "Benchmarks":
        """Return what a file holds, none of this machine if there is no file.

        Raises:
            ResultError: The file is damaged.
        """
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        machine = f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
        return cls.read(path).with_changes(machine=machine) if path.exists() else cls(machine=machine)

    @classmethod
    def shown(cls, reports: Path, root: Path) -> "tuple[Benchmarks, str] | None":
        """Return what a page shows, and where it was measured; None if nothing was.

        Args:
            reports: The folder of this machine's reports.
            root: The project's folder, which holds the release.

        Raises:
            ResultError: The file is damaged.
        """
        for path, where in (
            (reports / PLACE, "on this machine"),
            (root / RELEASE / PLACE, "for the release"),
        ):
            if path.exists():
                return cls.read(path), where
        return None

    @classmethod
    def cure(cls) -> str:
        """Say what to do about a damaged file."""
        return "Delete the file and measure again: `make bench`."
