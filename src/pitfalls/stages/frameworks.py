"""Frameworks: which are installed here, written where the pipeline sees that one was added or removed."""

from pathlib import Path

from pitfalls.config.frameworks import FRAMEWORKS, versions_of, why_missing
from pitfalls.files import write_json

PLACE = "frameworks.json"


def write_frameworks(reports: Path) -> None:
    """Write reports/frameworks.json: for each framework the versions of its packages, or null, and print it in words.

    Raises:
        ConfigurationError: The folder cannot be written to.
    """
    there = {name: None if why_missing(name) else versions_of(name) for name in FRAMEWORKS}
    write_json(reports / PLACE, there)
    for name, versions in there.items():
        told = ", ".join(f"{package} {version}" for package, version in (versions or {}).items())
        print(f"{name:<11} {told or why_missing(name)}")
