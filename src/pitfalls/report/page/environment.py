"""The environment: what the runs were measured with, and where this page was written."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pitfalls.report.page.gathering import Material

Rows = list[tuple[str, str]]


def environment(material: Material, root: Path) -> Rows:
    """Return a name and a value for each fact about the runs and this machine.

    Args:
        material: What the page is made of.
        root: The project's folder, whose commit is named.
    """
    results = material.results
    seconds = sum(run["seconds"]["training"] for run in results if run.get("seconds"))
    machine = f"{processor()}, {os.cpu_count()} cores, {platform.system()}"
    return [
        *versions(results),
        ("runs", f"{len(results)}, {seconds / 60:.0f} minutes of training in all"),
        ("seeds", listed({run["cell"]["seed"] for runs in material.runs.values() for run in runs})),
        ("task", listed({task(run) for run in results})),
        ("commit", commit(root)),
        ("processor", machine),
        ("written", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]


def task(run: dict[str, Any]) -> str:
    """Say what a run learned."""
    told = run["task"]
    return f"mean of two integers uniform on 0..{told['high'] - 1}, in batches of {told['batch_size']}"


def versions(results: list[dict[str, Any]]) -> Rows:
    """Return each package with every version that a run was measured with."""
    seen: dict[str, set[str]] = {}
    for run in results:
        for package, version in run.get("versions", {}).items():
            seen.setdefault(package, set()).add(version)
    return [(package, listed(found)) for package, found in seen.items()]


def listed(values: set[Any]) -> str:
    """Print a set of values in order."""
    return ", ".join(str(value) for value in sorted(values)) or "none"


def buffer_addresses(material: Material) -> list[dict[str, str]]:
    """Return for each generator where its reused buffers stood, in bytes past a 64-byte boundary."""
    seen: dict[str, dict[str, set[int]]] = {}
    for (_, generator, _), runs in material.runs.items():
        for run in runs:
            for name, at in run["buffer_address_mod_64"].items():
                held = seen.setdefault(generator, {}).setdefault(name, set())
                held.update([] if at is None else [at])
    return [
        {
            "generator": generator,
            **{name: listed(at) if at else "fresh" for name, at in seen[generator].items()},
        }
        for generator in material.axes["generator"]
        if generator in seen
    ]


def commit(root: Path) -> str:
    """Return the commit that is checked out, or say that there is none."""
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=, with changes"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not in a git repository"
    return told.stdout.strip()


def processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
