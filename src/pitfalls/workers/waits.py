"""Waits: what a launcher waits for, said once if it lasts, so that a full queue is no silence."""

import time

PATIENCE_SECONDS = 10.0
"""A wait that is shorter is not worth a line."""


class Wait:
    """Says what is waited for, each reason once."""

    def __init__(self) -> None:
        """Nothing is waited for yet."""
        self._reason, self._since, self._said = "", 0.0, set[str]()

    def is_for(self, reason: str) -> None:
        """Take what is waited for just now, "" for nothing, and print it when it has lasted."""
        if reason != self._reason:
            self._reason, self._since = reason, time.monotonic()
        if reason and reason not in self._said and time.monotonic() - self._since >= PATIENCE_SECONDS:
            self._said.add(reason)
            print(reason, flush=True)
