"""Transforms: functions that get one sample and return it, told from their text."""

from __future__ import annotations

import ast
import re

from pitfalls.guard.lint.reading.scopes import arguments_of, own_nodes

SAMPLES = ("im", "img", "imgs", "image", "images", "frame", "pic", "sample", "waveform", "spectrogram")
"""What the first parameter of a transform is called."""

CONTRACT = re.compile(r"in[-_ ]?place|overwrit|\bout\b|\bcopy\b|modif", re.I)
"""Words by which a function says, in its parameters or its docstring, that it writes into what it is given."""

TEXT = re.compile(
    rb"def (?:__call__|[a-z]\w*)\(\s*(?:self,\s*)?(" + "|".join(SAMPLES).encode() + rb")\b"
    rb"[^\0]*?\n[ \t]+\1\[[^\n=]*\]\s*(?:(?:[-+*/%&|^@]|//|\*\*|<<|>>)=|=[^=\n]*\b\1\[)[^\0]*?\breturn \1\b"
)
"""The same in bytes: the sample is changed from what it was, and returned."""


def sample_of(node: ast.AST) -> str:
    """Return the parameter that a transform changes and returns, nothing where a function is none.

    A private function is none, and one that says what it does to its argument is none either: its callers know.
    """
    name = getattr(node, "name", "")
    names = [item.arg for item in arguments_of(node) if item.arg not in ("self", "cls")]
    if not names or names[0] not in SAMPLES or (name != "__call__" and "_" in (name[:1], name[-1:])):
        return ""
    if CONTRACT.search(" ".join([name, *names, ast.get_docstring(node) or ""])):  # type: ignore[arg-type]
        return ""
    returned = (item.value for item, _ in own_nodes(node) if isinstance(item, ast.Return))
    return names[0] if any(isinstance(value, ast.Name) and value.id == names[0] for value in returned) else ""
