"""What it costs: the benchmarks, as rows of the page's table and points of its chart."""

from typing import Any

from pitfalls.report.material import Material
from pitfalls.verdicts.benchmarks import Benchmark


def costs(material: Material) -> dict[str, Any] | None:
    """Return the benchmarks and where they were measured, None if none were."""
    if material.benchmarks is None:
        return None
    measured, where = material.benchmarks
    rows = [row_of(name, benchmark) for name, benchmark in measured.benchmarks.items()]
    return {"machine": measured.machine, "where": where, "rows": rows}


def row_of(name: str, benchmark: Benchmark) -> dict[str, Any]:
    """Return one benchmark as the table and the chart need it."""
    at_least = "at least" if benchmark.is_better_higher else "at most"
    return {
        "name": name,
        "what": benchmark.what,
        "median": benchmark.median,
        "lowest": benchmark.lowest,
        "highest": benchmark.highest,
        "pairs": len(benchmark.ratios),
        "bar": benchmark.bar,
        "in_words": f"{at_least} {benchmark.bar:g}" if benchmark.bar is not None else "",
        "reaches_bar": benchmark.reaches_bar,
    }
