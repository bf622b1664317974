"""What is said of a tracking server that cannot be used, and how long that takes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pitfalls import tracking
from pitfalls.config.schema import Tracking
from pitfalls.errors import TrackingError
from pitfalls.stages import track
from pitfalls.tracking import Reconciled, servers, store
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


def test_a_store_that_is_away_keeps_no_other_from_being_filled(monkeypatch, capsys):
    """Each that is away is asked once, however many sweeps it has, and named at the end."""
    asked = []

    def reconcile(told: Tracking, sweep: str, *report: object, **how: object) -> Reconciled:
        asked.append((sweep, told.uri))
        if told.uri == "http://away":
            raise TrackingError("it is away")
        return Reconciled(sent=2)

    stores = [("a", "http://away"), ("b", "http://away"), ("b", "http://there"), ("c", "http://there")]
    monkeypatch.setattr(tracking, "reconcile", reconcile)
    monkeypatch.setattr(
        track, "stores_of_sweeps", lambda runs: ((sweep, Tracking(True, uri)) for sweep, uri in stores)
    )
    with pytest.raises(TrackingError, match=r"^it is away$"):
        track.track()
    assert asked == [stores[0], *stores[2:]]
    assert capsys.readouterr().out.startswith("4 results sent, ")
