"""Candidates: which files can hold a finding at all, told from their bytes before anything is parsed."""

from __future__ import annotations

import re

from pitfalls.guard.lint.reading.transforms import TEXT

ARRAYS = re.compile(
    rb"numpy|torch|cupy|jax|keras|tensorflow|bytearray|import array|ctypes|mmap|shared_memory|batch|queue"
)
"""Something here has to do with arrays or batches."""

HANDS_OVER = re.compile(
    rb"\byield\b|def __(?:next|getitem)__|def next\(|def \w*(?:batch|sample)s?\(|\.put(?:_nowait)?\("
)
"""Something is handed out."""

LENDS = re.compile(rb"non_blocking|device_put|jnp\.(?:array|asarray|copy)\(")
BUFFERS = re.compile(rb"\b(?:o?np|numpy)\.(?:zeros|empty|ones|full|ndarray)|pin_memory|pinned")
"""Something may be read after the call, and there is something that can be filled again."""

OPERATOR = rb"(?:[-+*/%&|^@]|//|\*\*|<<|>>)"
WRITES = re.compile(
    rb"\]\s*" + OPERATOR + rb"?=[^=]"
    rb"|\bout\s*=|\bdst\s*=|\.fill\(|copyto\(|shuffle\(|\w_\(|into\(|read_direct|putmask|\.put\("
    rb"|\.(?:append|extend|clear|update|insert|sort)\(|\w\s*" + OPERATOR + rb"="
)
"""Something is written in place."""

BLOCK = re.compile(rb"^(?=(?:async def|def|class|@|if|while|for|with|try)\b)", re.M)
DEFINITION = re.compile(rb"^[ \t]*(?:async )?def ", re.M)


def is_candidate(content: bytes) -> bool:
    """Tell whether a file can hold a finding: it hands something out, has arrays, and writes in place."""
    if not ARRAYS.search(content):
        return False
    if LENDS.search(content) and BUFFERS.search(content) and WRITES.search(content):
        return True
    if TEXT.search(content):
        return True
    return bool(HANDS_OVER.search(content)) and any(map(_can_refill, BLOCK.split(content)))


def _can_refill(block: bytes) -> bool:
    """Tell whether one function or class hands something out and writes in place, or calls what may write."""
    return bool(HANDS_OVER.search(block) and WRITES.search(block))


NAME = re.compile(r"[A-Za-z_]\w*")
DEFINES = re.compile(r"(?:@[^\n]*\n|\s)*(?:async def|def|class)\s+(\w+)")
TEXT_BLOCK = re.compile(BLOCK.pattern.decode(), re.M)


def reduced(source: str) -> str:
    """Return a file in which functions and classes that play no part are blank lines.

    Kept is what hands something out, whatever is named in what is kept, and all code outside definitions.
    The text may be no Python any more, where a line of a long string looks like a definition.
    """
    blocks = _with_decorators(TEXT_BLOCK.split(source))
    named = [(block, match[1] if (match := DEFINES.match(block)) else "") for block in blocks]
    kept = {name for block, name in named if name and _plays_a_part(block)}
    waiting = set(kept)
    while waiting:
        texts = [block for block, name in named if name in waiting]
        mentioned = {word for block in texts for word in NAME.findall(block)}
        waiting = (mentioned & {name for _, name in named}) - kept - {""}
        kept |= waiting
    return "".join(block if not name or name in kept else "\n" * block.count("\n") for block, name in named)


def _with_decorators(blocks: list[str]) -> list[str]:
    """Put decorators back to what they decorate."""
    found: list[str] = []
    for block in blocks:
        if found and found[-1].startswith("@"):
            found[-1] += block
            if not block.startswith("@"):
                found.append("")
        else:
            found.append(block)
    return found


def _plays_a_part(block: str) -> bool:
    content = block.encode(errors="replace")
    if (HANDS_OVER.search(content) or LENDS.search(content)) and WRITES.search(content):
        return True
    return bool(TEXT.search(content))
