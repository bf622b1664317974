"""Servers: a store behind HTTP, which may be away, and which itself decides where artifacts are kept."""

import http.client
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
    return uri.lower().startswith(("http://", "https://"))


def refuse_away(uri: str) -> None:
    """Refuse a server that does not answer; what it answers is left to MLflow, which knows its credentials.

    Raises:
        TrackingError: Nobody is there, it is silent, it does not speak HTTP, or the address is none.
    """
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS):
            pass
    except urllib.error.HTTPError:
        return
    except (OSError, http.client.HTTPException, ValueError) as error:
        if not isinstance(getattr(error, "reason", error), ssl.SSLError):
            raise TrackingError(away(uri, error)) from error


def refuse_still_away(uri: str) -> None:
    """Ask a server that this process found away whether it is back.

    MLflow itself would wait 45 seconds for one that takes connections and is silent.

    Raises:
        TrackingError: It is not back.
    """
    if uri in _found_away and is_server(uri):
        refuse_away(uri)
        del _found_away[uri]


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
        elif isinstance(below, (http.client.InvalidURL, ValueError)):
            said = said or f"the address is wrong, {below}"
        elif isinstance(below, OSError) and below.strerror:
            said = below.strerror
        elif isinstance(below, http.client.BadStatusLine) and not isinstance(below, ConnectionError):
            said = "what listens there does not speak HTTP"
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
