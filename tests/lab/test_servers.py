"""What is said of a tracking server that cannot be used, and how long that takes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pitfalls.config.schema import Tracking
from pitfalls.errors import TrackingError
from pitfalls.tracking import servers, store
from pitfalls.tracking.store import client_for

WHAT_TO_DO = (
    "Results in runs/ are kept. Start the server again and send what it lacks: python src/track.py. "
    "To train without a server: tracking=local, or tracking=off.\n"
    "docs/how-to/track-on-a-server.md shows how to start one."
)


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """Listen on a port of this machine, and give its address.

    Args:
        answer: What each who connects is told; None for nothing, while the connection stays open.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if answer is not None:
            threading.Thread(target=answer_each, args=(listener, answer), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def answer_each(listener: socket.socket, answer: bytes) -> None:
    """Tell the same to whoever connects, until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(answer)


def said_of(uri: str) -> str:
    """Return what is said when a server is to be used."""
    with pytest.raises(TrackingError) as refused:
        client_for(Tracking(enabled=True, uri=uri))
    return str(refused.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "it was silent for 0.2 seconds or more"),
        (b"", "Remote end closed connection without response"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what listens there does not speak HTTP"),
    ],
    ids=["silent", "hangs up", "another protocol"],
)
def test_whatever_listens_in_place_of_a_server_is_said_in_words(monkeypatch, answer, why):
    """A program that takes connections and is silent, one that hangs up, and one that speaks something else."""
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.2)
    with listening(answer) as uri:
        assert said_of(uri) == f"the tracking server {uri} does not answer: {why}.\n{WHAT_TO_DO}"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://127.0.0.1:50x0", "the address is wrong, nonnumeric port: '50x0'"),
        ("HTTP://127.0.0.1:1", "Connection refused"),
        ("http://[::1", "the address is wrong, Invalid IPv6 URL"),
    ],
)
def test_a_wrong_address_is_said_in_words(uri, why):
    """A port that is no number, a scheme in capitals, and a bracket that is not closed."""
    assert said_of(uri) == f"the tracking server {uri} does not answer: {why}.\n{WHAT_TO_DO}"


def test_a_server_that_was_away_is_asked_shortly_before_it_is_used_again(monkeypatch):
    """MLflow waits 45 seconds for one that is silent; one that is back is forgotten to have been away."""
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(servers, "_found_away", {})
    monkeypatch.setattr(store, "opened", lambda uri, artifacts: "the client from before")
    with listening(None) as silent, listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK") as back:
        for uri in (silent, back):
            servers.note_away(uri)
        assert "it was silent" in said_of(silent)
        assert client_for(Tracking(enabled=True, uri=back)) == "the client from before"
        assert (servers.was_away(silent), servers.was_away(back)) == (True, False)
