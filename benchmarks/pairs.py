"""What every benchmark shares: two things in turn, their ratio, and reports/benchmarks.json."""

import argparse
from collections.abc import Callable

from pitfalls.project import ROOT
from pitfalls.verdicts.benchmarks import PLACE, Benchmark, Benchmarks


def parser_of(description: str | None, pairs: int) -> argparse.ArgumentParser:
    """Return a parser whose help is a script's docstring, with the number of pairs."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", type=int, default=pairs, help=f"how often both are measured; {pairs} if not said"
    )
    return parser


def ratios_of(
    one: Callable[[], float], other: Callable[[], float], pairs: int, unit: str = "s", is_told: bool = True
) -> list[float]:
    """Measure two things side by side, in alternating order, and return one divided by the other for each pair.

    Args:
        one: Measures the first, in seconds or in another unit.
        other: Measures what it is held against.
        pairs: How often.
        unit: What both return.
        is_told: Whether each pair is printed.
    """
    ratios = []
    for pair in range(pairs):
        if pair % 2:
            first, second = one(), other()
        else:
            second, first = other(), one()
        ratios.append(first / second)
        if is_told:
            print(
                f"  pair {pair + 1}: {first:.3g} {unit} against {second:.3g} {unit}, ratio {ratios[-1]:.3f}",
                flush=True,
            )
    return ratios


def store_in(folder: str) -> list[str]:
    """Return the overrides that track in a store of a folder's own."""
    return [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlruns"]


def keep(
    name: str,
    what: str,
    ratios: list[float],
    command: str,
    bar: float | None = None,
    is_better_higher: bool = False,
) -> None:
    """Print a benchmark, and put it into reports/benchmarks.json.

    Args:
        name: Its name there.
        what: What was divided by what.
        ratios: That of each pair.
        command: How to measure it again.
        bar: What the median should reach.
        is_better_higher: Whether more is better.
    """
    benchmark = Benchmark.of(what, ratios, command, bar, is_better_higher)
    reached = "" if bar is None else f", bar {bar:g}{'' if benchmark.reaches_bar else ' MISSED'}"
    print(
        f"{name:<26} {benchmark.median:.3f}  ({benchmark.lowest:.3f} to {benchmark.highest:.3f} in "
        f"{len(ratios)}{reached})  {what}",
        flush=True,
    )
    path = ROOT / "reports" / PLACE
    here = Benchmarks.here(path)
    here.with_changes(benchmarks=here.benchmarks | {name: benchmark}).write(path)
