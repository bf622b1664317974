"""Files: records that are refused where they are read, and written at once or not at all.

A record refuses NaN, Infinity, a missing part or another shape (docs/decisions/0011). A file
is written under another name and renamed, so that a killed process leaves nothing half-written.
What one process alone may do, it does under a lock.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from flufl.lock import Lock

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


@contextmanager
def locked(path: Path, lifetime_seconds: float, patience_seconds: float) -> Iterator[None]:
    """Hold a lock, which is a file, in the body of a `with`; wait for it as long as another process holds it.

    It works on a shared file system too. Nobody keeps it for ever: where the process that holds it has ended
    it is taken over at once, or after its lifetime if that process ran on another machine.

    Args:
        path: The file. Its folder must exist.
        lifetime_seconds: Longer than the body takes: what takes longer may lose the lock to another process.
        patience_seconds: How long to wait.

    Raises:
        TimeoutError: Another process still holds it.
        OSError: The folder cannot be written to.
    """
    from flufl.lock import Lock, TimeOutError

    lock = Lock(str(path), timedelta(seconds=lifetime_seconds))
    deadline = time.monotonic() + patience_seconds
    while True:
        take_over(lock, path)
        try:
            lock.lock(timedelta(seconds=0.1))
            break
        except TimeOutError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} is held by another process") from None
    try:
        yield
    finally:
        lock.unlock(unconditionally=True)


def take_over(lock: "Lock", path: Path) -> None:
    """Remove a lock whose process has ended on this machine.

    The lock is a second name of the file by which that process claimed it. Of several that
    see it, one alone can remove that file, and that one removes the lock.
    """
    from flufl.lock import LockState

    with suppress(OSError):
        claim = path.with_name(Path(path.read_text()).name)
        if lock.state is LockState.stale:
            claim.unlink()
            path.unlink()
