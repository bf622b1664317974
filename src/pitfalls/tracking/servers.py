"""Servers: a store behind HTTP, which may be away, and which itself decides where artifacts are kept."""

import socket
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

from pitfalls.errors import TrackingError

ANSWER_SECONDS = 4.0
"""How long a server may take for its first answer, so that a command that cannot track says so within ten."""

AWAY_SECONDS = 30.0
"""How long a process that found a server away trains on before it asks again; each asking costs some five seconds."""

_found_away: dict[str, float] = {}
"""When this process found a store away."""


def is_server(uri: str) -> bool:
    """Tell whether a store is behind HTTP."""
    return uri.startswith(("http://", "https://"))


def refuse_away(uri: str) -> None:
    """Refuse a server that does not answer; what it answers is left to MLflow, which knows its credentials.

    Raises:
        TrackingError: Nobody is there, or it is silent.
    """
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS):
            pass
    except urllib.error.HTTPError:
        return
    except OSError as error:
        if not isinstance(getattr(error, "reason", error), ssl.SSLError):
            raise TrackingError(away(uri, error)) from error


def away(uri: str, error: BaseException) -> str:
    """Say that a server does not answer, and what to do."""
    return (
        f"the tracking server {uri} does not answer: {reason(error)}.\n"
        "Results in runs/ are kept. Start the server again and send what it lacks: python src/track.py. "
        "To train without a server: tracking=local, or tracking=off.\n"
        "docs/how-to/track-on-a-server.md shows how to start one."
    )


def reason(error: BaseException) -> str:
    """Return why nobody answered: what the operating system said, below all the libraries that passed it on."""
    said = ""
    below: Any = error
    while isinstance(below, BaseException):
        if isinstance(below, TimeoutError):
            said = f"it was silent for {ANSWER_SECONDS:g} seconds or more"
        elif isinstance(below, OSError) and below.strerror:
            said = below.strerror
        below = getattr(below, "reason", None) or below.__cause__ or below.__context__
    return said or (str(error).splitlines() or [type(error).__name__])[0][:200]


def is_network(error: BaseException) -> bool:
    """Tell whether an error came from the network and not from an answer."""
    below: BaseException | None = error
    while below and not isinstance(below, (ConnectionError, TimeoutError, socket.gaierror)):
        below = below.__cause__ or below.__context__
    return below is not None


def note_away(uri: str) -> None:
    """Remember that a store was found away just now."""
    _found_away[uri] = time.monotonic()


def was_away(uri: str) -> bool:
    """Tell whether this process found a store away a moment ago, so that it need not wait for it again."""
    return time.monotonic() - _found_away.get(uri, float("-inf")) < AWAY_SECONDS
