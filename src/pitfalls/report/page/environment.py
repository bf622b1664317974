"""The environment: what the runs were measured with, as they say themselves."""

from collections import defaultdict
from datetime import UTC, datetime

from pitfalls.report.material import Material
from pitfalls.report.words import listed
from pitfalls.results import Origin, Result

Facts = list[tuple[str, str]]


def environment(material: Material) -> Facts:
    """Return a name and a value for each fact about the runs."""
    results = material.results
    seconds = sum(run.seconds.training for run in results)
    return [
        *versions(results),
        ("runs", f"{len(results)}, {seconds / 60:.0f} minutes of training in all"),
        ("seeds", listed(material.seeds)),
        ("task", listed(task_text(run) for run in results)),
        *origins([run.origin for run in results if run.origin]),
        ("written", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]


def task_text(run: Result) -> str:
    """Say what a run learned."""
    return f"mean of two integers uniform on 0..{run.task.high - 1}, in batches of {run.task.batch_size}"


def versions(results: list[Result]) -> Facts:
    """Return each package with every version that a run was measured with."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in results:
        for package, version in run.versions.items():
            found[package].add(version)
    return [(package, listed(versions)) for package, versions in found.items()]


def origins(origins: list[Origin]) -> Facts:
    """Return every commit and machine that trained a run; nothing if no run says."""
    if not origins:
        return []
    machines = {f"{origin.processor}, {origin.cores} cores, {origin.system}" for origin in origins}
    return [
        ("commit", "; ".join(sorted({origin.commit for origin in origins}))),
        ("trained on", "; ".join(sorted(machines))),
    ]


def buffer_addresses(material: Material) -> list[dict[str, str]]:
    """Return for each generator where its reused buffers began, in bytes past a 64-byte boundary."""
    return [
        {"generator": generator, "inputs": addresses(runs, "inputs"), "labels": addresses(runs, "labels")}
        for generator in material.axes["generator"]
        if (runs := [run for run in material.matrix if run.cell.generator == generator])
    ]


def addresses(runs: list[Result], array: str) -> str:
    """Print every address of a buffer that is reused."""
    offsets = {getattr(run.buffer_address_mod_64, array) for run in runs}
    return listed(offsets - {None}) if offsets != {None} else "fresh"
