"""Candidates: which files can hold a finding at all, told from their bytes before anything is parsed."""

from __future__ import annotations

import re

HANDS_OVER = re.compile(
    rb"\byield\b|def __(?:next|getitem)__|def next\(|\.put(?:_nowait)?\(|non_blocking|device_put|jnp\."
)
"""Something is handed out."""

ARRAYS = re.compile(
    rb"numpy|torch|cupy|jax|keras|tensorflow|bytearray|import array|ctypes|mmap|shared_memory|batch|queue"
)
"""Something here has to do with arrays or batches."""

WRITES = re.compile(
    rb"[\])]\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=[^=]"
    rb"|\bout\s*=|\bdst\s*=|\.fill\(|copyto\(|shuffle\(|\w_\(|into\(|\.(?:append|extend|clear|update|insert|sort)\("
    rb"|read_direct|\w\s*[-+*/]=|putmask|\.put\("
)
"""Something is written in place."""

YIELDED = re.compile(rb"\b(?:yield(?:\s+from)?|return)\b[^\n#]*")
NAME = re.compile(rb"[A-Za-z_]\w*")
WRITTEN = re.compile(
    rb"([A-Za-z_]\w*)(?:\[[^\n]*\]|\.(?:flat|T|data))*\s*(?:(?:[-+*/%&|^@]|//|\*\*|<<|>>)=|(?<=\])\s*=[^=])"
    rb"|([A-Za-z_]\w*)\s*\.(?:append|extend|clear|update|insert|sort|fill|reverse|put|\w+_)\("
)


def is_candidate(content: bytes) -> bool:
    """Tell whether a file can hold a finding: it hands something out, has arrays, and writes in place."""
    return bool(HANDS_OVER.search(content) and ARRAYS.search(content) and WRITES.search(content))
