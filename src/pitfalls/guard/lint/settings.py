"""Settings: ``[tool.pitfalls]`` of the pyproject.toml above the current folder."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from pitfalls.guard.findings import GuardError
from pitfalls.guard.lint.rules.catalogue import RULES


@dataclass(frozen=True)
class Settings:
    """What a project wants.

    Attributes:
        exclude: Patterns of files to leave out, as in a .gitignore.
        ignore: Rules to leave out.
        baseline: The file of findings that are known.
        pedantic: Whether to say where it could not tell.
    """

    exclude: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: str = ""
    pedantic: bool = False


def read_settings(folder: Path) -> Settings:
    """Return the settings of the project that a folder belongs to.

    Raises:
        GuardError: The file is no TOML, or a key or a rule does not exist.
    """
    file = next(
        (
            item / "pyproject.toml"
            for item in (folder, *folder.parents)
            if (item / "pyproject.toml").is_file()
        ),
        None,
    )
    if file is None or "[tool.pitfalls]" not in file.read_text(encoding="utf-8"):
        return Settings()
    return _settings_of(_table(file), file)


def _table(file: Path) -> dict[str, object]:
    """Return the table as it is written; Python 3.10 has no reader of TOML of its own."""
    try:
        toml = importlib.import_module("tomllib")
    except ModuleNotFoundError as error:
        try:
            toml = importlib.import_module("tomli")
        except ModuleNotFoundError:
            raise GuardError(
                f"{file}: Python 3.10 reads [tool.pitfalls] only with tomli: pip install tomli."
            ) from error
    try:
        table: dict[str, object] = toml.loads(file.read_text(encoding="utf-8"))["tool"]["pitfalls"]
    except ValueError as error:
        raise GuardError(f"{file} is no TOML: {error}.") from error
    return table


def _settings_of(table: dict[str, object], file: Path) -> Settings:
    known: dict[str, type] = {"exclude": list, "ignore": list, "baseline": str, "pedantic": bool}
    for key, value in table.items():
        if key not in known:
            raise GuardError(f"{file}: tool.pitfalls.{key} does not exist. Choose from {', '.join(known)}.")
        if not isinstance(value, known[key]):
            raise GuardError(f"{file}: tool.pitfalls.{key} is no {known[key].__name__}.")
    ignore = _words(table.get("ignore"))
    for rule in ignore:
        if rule not in RULES:
            raise GuardError(f"{file}: the rule {rule} does not exist. Choose from {', '.join(RULES)}.")
    baseline = str(file.parent / str(table["baseline"])) if "baseline" in table else ""
    return Settings(_words(table.get("exclude")), ignore, baseline, bool(table.get("pedantic")))


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
