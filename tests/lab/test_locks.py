"""Locks: held by one, kept alive, and taken over from the dead."""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest

from pitfalls.runs import locks
from pitfalls.runs.locks import is_held, lock, lock_if_free

DIES_HOLDING_IT = """
import os, sys
from pathlib import Path
from pitfalls.runs.locks import lock
with lock(Path(sys.argv[1]), 1):
    os._exit(0)
"""


def test_the_lock_of_a_dead_process_is_taken_over_at_once(tmp_path):
    """Not after its lifetime, which would be a minute and a half; and it leaves nothing behind."""
    place = tmp_path / "x.lock"
    subprocess.run([sys.executable, "-c", DIES_HOLDING_IT, str(place)], check=True)
    assert place.exists()
    before = time.monotonic()
    with lock(place, 60):
        assert time.monotonic() - before < 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("age_seconds", "is_taken"), [(-600, False), (60, True)])
def test_the_lock_of_another_machine_is_taken_over_after_its_lifetime(tmp_path, age_seconds, is_taken):
    """Whether its process lives cannot be known here."""
    place = tmp_path / "x.lock"
    claim = tmp_path / "x.lock|elsewhere.example|1|2"
    claim.write_text(str(claim))
    os.link(claim, place)
    expired = time.time() - age_seconds
    os.utime(place, (expired, expired))
    if is_taken:
        with lock(place, 30):
            pass
        assert list(tmp_path.iterdir()) == []
    else:
        with pytest.raises(TimeoutError), lock(place, 0.1):
            pass
        assert {path.name for path in tmp_path.iterdir()} == {place.name, claim.name}


def test_a_lock_that_is_held_excludes(tmp_path):
    """The other side: the holder lives."""
    place = tmp_path / "x.lock"
    with lock(place, 1):
        assert is_held(place)
        told = subprocess.run(
            [sys.executable, "-c", DIES_HOLDING_IT, str(place)], capture_output=True, text=True
        )
    assert told.returncode == 1
    assert f"TimeoutError: {place} is held by another process" in told.stderr


def test_a_lock_is_renewed_as_long_as_it_is_held(tmp_path, monkeypatch):
    """A run may take longer than a lock's lifetime."""
    monkeypatch.setattr(locks, "LIFETIME", timedelta(seconds=2))
    monkeypatch.setattr(locks, "RENEWED_EVERY_SECONDS", 0.2)
    place = tmp_path / "x.lock"
    with lock_if_free(place) as is_mine:
        assert is_mine
        began = place.stat().st_mtime
        time.sleep(2.5)
        assert place.stat().st_mtime > began
        assert datetime.fromtimestamp(place.stat().st_mtime) > datetime.now()


def test_who_asks_for_a_held_lock_is_told_so_at_once(tmp_path):
    """The second gets nothing, and takes nothing away."""
    place = tmp_path / "deep" / "x.lock"
    with lock_if_free(place) as first, lock_if_free(place) as second:
        assert (first, second) == (True, False)
        assert is_held(place)
    assert not is_held(place)
    assert list(place.parent.iterdir()) == []
