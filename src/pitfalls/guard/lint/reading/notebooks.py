"""Notebooks: the code of their cells as one file, with the lines that are no Python left blank."""

from __future__ import annotations

import io
import json
import tokenize


def code_of(file: str, content: bytes) -> str:
    """Return the Python source of a file; a notebook's cells stand one below the other.

    Raises:
        SyntaxError: The file's encoding is unknown.
        ValueError: The notebook is no JSON.
    """
    if not file.endswith(".ipynb"):
        encoding = tokenize.detect_encoding(io.BytesIO(content).readline)[0]
        return content.decode(encoding, errors="replace")
    cells = json.loads(content).get("cells", [])
    return "\n".join(_cell(cell) for cell in cells if cell.get("cell_type") == "code") + "\n"


def _cell(cell: dict[str, object]) -> str:
    source = cell.get("source", "")
    text = "".join(source) if isinstance(source, list) else str(source)
    if text.lstrip().startswith("%%"):
        return "\n" * text.count("\n")
    lines = text.split("\n")
    return "\n".join(_blanked(line) for line in lines)


def _blanked(line: str) -> str:
    """Replace a command of the notebook by a statement that does nothing."""
    bare = line.lstrip()
    if bare[:1] in ("%", "!", "?") or bare.endswith("?"):
        return line[: len(line) - len(bare)] + "pass"
    return line
