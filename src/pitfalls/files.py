"""Files: records that are refused where they are read, and written at once or not at all.

A record refuses NaN, Infinity, a missing part or another shape (docs/decisions/0011). A file
is written under another name and renamed, so that a killed process leaves nothing half-written.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pitfalls.errors import ConfigurationError, ResultError


class Record(BaseModel):
    """A part of a file: frozen, without NaN or Infinity; keys that it does not know are left alone."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, populate_by_name=True)

    def as_json(self) -> dict[str, Any]:
        """Return the record as plain types, with the keys of the file."""
        return self.model_dump(mode="json", by_alias=True)

    def with_changes(self, **fields: Any) -> Self:
        """Return a record with other values in some fields."""
        return self.model_copy(update=fields)


class File(Record):
    """A record that is a file of its own."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the record that a file holds.

        Raises:
            ResultError: The file is missing, cut short, or of another form; names its first wrong key.
        """
        try:
            return cls.model_validate_json(path.read_bytes(), strict=True)
        except OSError as error:
            raise ResultError(f"{path} cannot be read: {error.strerror}.\n{cls.cure()}") from error
        except ValidationError as error:
            raise ResultError(f"{path} {what_is_wrong(error)}\n{cls.cure()}") from error

    @classmethod
    def cure(cls) -> str:
        """Say what to do about a damaged file."""
        return "Delete the file and train the cell again: `dvc repro`, or src/train.py."

    def write(self, path: Path) -> None:
        """Write the record at once."""
        write_json(path, self.as_json())


IN_WORDS = {
    "missing": "lacks {key}",
    "finite_number": "has no number in {key}",
    "literal_error": "has another {key} than this version reads",
}
"""What is wrong with a file, by pydantic's word for it."""


def what_is_wrong(error: ValidationError) -> str:
    """Say in one sentence what is wrong with a file, naming the first key that is."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "json_invalid":
        return "is no complete JSON: it was cut short, or damaged."
    if not key:
        return "holds something else: it was damaged or written by another version."
    words = IN_WORDS.get(first["type"], "has no usable {key}").format(key=key)
    return f"{words}: it was damaged or written by another version."


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
