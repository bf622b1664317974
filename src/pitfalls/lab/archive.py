"""Archives: a model kept as arrays, with the name and the code of what they are for. One loads without pickle."""

import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ABOUT = ("answer", "code")
"""What an archive holds besides the arrays."""


def save(path: Path, answer: Any, arrays: Mapping[str, Any]) -> None:
    """Write arrays into a file, with the name and the code of the function or class that answers with them."""
    about: dict[str, Any] = {"answer": answer.__name__, "code": inspect.getsource(answer)}
    np.savez(path, **about | dict(arrays))


def load(path: str, known: Collection[str]) -> tuple[str, dict[str, np.ndarray]]:
    """Return the name of what answers, and its arrays; nothing in the file is run.

    Args:
        path: The file.
        known: The names that it may ask for.

    Raises:
        ValueError: The file asks for another name, or holds pickled objects.
    """
    with np.load(path, allow_pickle=False) as kept:
        name = str(kept["answer"])
        arrays = {key: kept[key] for key in kept.files if key not in ABOUT}
    if name not in known:
        raise ValueError(f"{path} answers with {name}, and only {', '.join(known)} are known here.")
    return name, arrays
