"""Files: written under another name and renamed, so that a killed process leaves nothing half-written."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from pitfalls.errors import ConfigurationError


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
