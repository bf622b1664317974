"""Results on disk: one folder a run, written at once or not at all.

A run's folder is runs/<sweep>/<runtime>/<generator>/<model>/seed-<n>, with a folder
more for each further key that a sweep varies. result.json stands in it when the run has
finished; verdict.json beside it can be derived from it at any time.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pitfalls.errors import ConfigurationError, ResultError

REQUIRED_KEYS: dict[str, type | tuple[type, ...]] = {
    "cell": dict,
    "task": dict,
    "mechanism": dict,
    "training": dict,
    "loss": list,
    "final_loss": (int, float),
    "standard_error": (int, float),
    "window_steps": int,
    "broken_rows": (int, float),
    "broken_rows_over_time": list,
    "repeated_batches": (int, float),
    "shapes": dict,
    "buffer_address_mod_64": dict,
    "fingerprint": str,
    "listing": (int, type(None)),
    "prediction": (dict, type(None)),
    "answers": dict,
    "seconds": dict,
}


def write_text(path: Path, text: str) -> None:
    """Write a file at once: under a temporary name, then renamed.

    Raises:
        ConfigurationError: The folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.\n"
            "Nothing was left half-written. Make the folder writable, or run from a copy that is yours."
        ) from error


def json_text(content: Any) -> str:
    """Return plain types as the JSON text that `write_json` writes."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def write_json(path: Path, content: Any) -> None:
    """Write plain types as JSON, at once."""
    write_text(path, json_text(content))


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ResultError: It cannot be read, or is cut short.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ResultError(
            f"{path} is no complete JSON ({error}).\n"
            "Its run cannot be judged. Delete the file and train the cell again: `dvc repro`, or src/train.py."
        ) from error


def read_result(path: Path) -> dict[str, Any]:
    """Return a run's measurements.

    Raises:
        ResultError: The file is missing, damaged or lacks a key.
    """
    result = read_json(path)
    if not isinstance(result, dict):
        raise ResultError(f"{path} holds no run's measurements.\nDelete the file and train the cell again.")
    wrong = [
        key for key, kind in REQUIRED_KEYS.items() if key not in result or not isinstance(result[key], kind)
    ]
    if wrong:
        raise ResultError(
            f"{path} has no usable {', '.join(wrong)}: it was damaged or written by another version.\n"
            "Delete the file and train the cell again."
        )
    return result


def find_results(runs: Path, sweep: str) -> Iterator[Path]:
    """Yield the result files of a sweep, sorted by their place."""
    yield from sorted((runs / sweep).glob("**/result.json"))


def readable_results(runs: Path, sweep: str) -> Iterator[dict[str, Any]]:
    """Yield the results of a sweep that can be read; verdicts.json names those that cannot."""
    for path in find_results(runs, sweep):
        with suppress(ResultError):
            yield read_result(path)


def is_finished(folder: Path, fingerprint: str) -> bool:
    """Tell whether a folder holds a complete result of exactly this run."""
    try:
        return read_result(folder / "result.json")["fingerprint"] == fingerprint
    except ResultError:
        return False
