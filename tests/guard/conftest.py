"""Fixtures of the guard's tests: the command as a function."""

import json

import commands
import pytest


@pytest.fixture(scope="module")
def run():
    """Run commands in forks of one process."""
    with commands.server() as ask:
        yield ask


@pytest.fixture
def checked(run):
    """Run a check and return status and JSON object: there is always exactly one object."""

    def ask(*words):
        done = run("check", *words, "--json")
        return done.returncode, json.loads(done.stdout)

    return ask
