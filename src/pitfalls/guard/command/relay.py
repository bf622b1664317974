"""Relay: shows what the checked code prints, up to a limit, and counts the rest."""

from __future__ import annotations

import contextlib
import os
import sys

MOST_BYTES = 1 << 16
CHUNK_BYTES = 1 << 16


class Relay:
    """Passes what comes out of a pipe on to standard error."""

    def __init__(self, reader: int) -> None:
        """Read from a pipe, which is never waited for."""
        os.set_blocking(reader, False)
        self.reader, self.shown, self.left_out, self.is_open = reader, 0, 0, True

    def pass_on(self) -> bool:
        """Pass on what there is; return whether there was anything."""
        try:
            data = os.read(self.reader, CHUNK_BYTES)
        except BlockingIOError:
            return False
        self.is_open = bool(data)
        shown = data[: MOST_BYTES - self.shown]
        self.shown += len(shown)
        self.left_out += len(data) - len(shown)
        with contextlib.suppress(OSError):
            os.write(2, shown)
        return self.is_open

    def finish(self) -> None:
        """Pass on the rest, and say how much was left out."""
        while self.left_out < 1 << 30 and self.pass_on():
            pass
        os.close(self.reader)
        if self.left_out:
            count = f"{self.left_out:,} more bytes"
            print(
                f"\npitfalls: the code that was checked printed {count}, which are left out.", file=sys.stderr
            )
