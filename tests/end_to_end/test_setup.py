"""`make setup`: which interpreters it takes, when it makes the environment anew, and what it says to others.

An interpreter, here, is a script that tells a version: make only asks, as nothing is carried out.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from pythons import interpreter

from pitfalls.project import ROOT

ANEW = "-m venv --clear .venv"


class Folder:
    """A folder with the Makefile, in which interpreters are installed and environments stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bin = path / "bin"
        self.bin.mkdir()
        shutil.copy(ROOT / "Makefile", path)
        for name in ("requirements.lock", "pyproject.toml"):
            (path / name).touch()

    def has(self, name: str, version: str) -> None:
        """Install an interpreter that tells a version."""
        (self.bin / name).write_text(f"#!/bin/sh\necho {version}\n")
        (self.bin / name).chmod(0o755)

    def has_environment(self, version: str, named: str) -> None:
        """Let an environment stand that was made for a version, with the interpreter of a name."""
        (self.path / ".venv" / "bin").mkdir(parents=True)
        shutil.copy(self.bin / named, self.path / ".venv" / "bin" / "python")
        (self.path / ".venv" / "named").write_text(f"{named}\n")
        (self.path / ".venv" / f"ready-{version}").touch()

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make in the folder, without what a make or a user above this test set."""
        environment = {
            k: v for k, v in os.environ.items() if k not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
        }
        environment["PATH"] = f"{self.bin}{os.pathsep}{environment['PATH']}"
        return subprocess.run(
            ["make", *arguments], cwd=self.path, env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give a folder whose python3 is 3.12."""
    made = Folder(tmp_path)
    made.has("python3", "3.12.1")
    return made


@pytest.mark.parametrize("version", ["3.11.9", "3.12.1", "3.13.0"])
def test_each_python_that_the_lock_is_for_is_taken(folder, version):
    """Whichever python3 is."""
    folder.has("python3", version)
    assert f'"{folder.bin}/python3" {ANEW}' in folder.make("-n", "setup").stdout


@pytest.mark.parametrize("version", ["2.7.18", "3.1.5", "3.10.13", "3.14.0"])
def test_another_python_is_refused_with_its_cure(folder, version):
    """What was seen, what it needs, what to type."""
    folder.has("python3", version)
    told = folder.make("setup")
    assert told.returncode != 0
    assert told.stderr.startswith(
        f"pitfalls: python3 is Python {version}, and the packages are locked for Python 3.11, 3.12 and 3.13.\n"
        "Install one of these, then name it, for example: make setup PYTHON=python3.12\n"
        "The guard alone needs none of the locked packages, only Python 3.10 or newer: python3 -m pip install .\n"
    )
    assert not (folder.path / ".venv").exists()


def test_an_interpreter_that_does_not_start_is_named(folder):
    """Such as one that is not installed, or a shim of a version that is not chosen."""
    told = folder.make("setup", "PYTHON=python3.99")
    assert told.returncode != 0
    assert told.stderr.startswith("pitfalls: python3.99 does not start here, and the packages are locked for")


def test_an_environment_that_stands_is_kept(folder):
    """Nothing changed since."""
    folder.has_environment("3.12", "python3")
    assert ANEW not in folder.make("-n", "setup").stdout


def test_an_environment_is_made_anew_when_python3_is_another_version(folder):
    """Its packages are those of the version before."""
    folder.has_environment("3.11", "python3")
    assert ANEW in folder.make("-n", "setup").stdout


def test_an_environment_is_made_anew_when_its_interpreter_is_gone(folder):
    """Its python is a link that leads nowhere."""
    folder.has_environment("3.12", "python3")
    (folder.path / ".venv" / "bin" / "python").unlink()
    (folder.path / ".venv" / "bin" / "python").symlink_to("nowhere")
    assert ANEW in folder.make("-n", "setup").stdout


def test_an_environment_is_made_anew_when_the_lock_changed(folder):
    """As before."""
    folder.has_environment("3.12", "python3")
    later = (folder.path / ".venv" / "ready-3.12").stat().st_mtime + 10
    os.utime(folder.path / "requirements.lock", (later, later))
    assert ANEW in folder.make("-n", "setup").stdout


def test_an_interpreter_that_was_named_stays_the_one(folder):
    """make test after make setup PYTHON=python3.13 must not go back to what python3 is."""
    folder.has("python3.13", "3.13.0")
    folder.has_environment("3.13", "python3.13")
    assert ANEW not in folder.make("-n", "setup").stdout
    assert f'"{folder.bin}/python3" {ANEW}' in folder.make("-n", "setup", "PYTHON=python3").stdout


@pytest.mark.parametrize("had", [{"torch"}, {"cluster"}, {"torch", "cluster"}, set()])
def test_what_was_added_is_added_again_to_an_environment_that_had_it(folder, had):
    """A new lock clears the environment, and with it what pip added: PyTorch, and what a cluster needs."""
    folder.has_environment("3.11", "python3")
    shutil.copy(ROOT / "pyproject.toml", folder.path)
    for name in had:
        (folder.path / ".venv" / name).touch()
    told = folder.make("-n", "setup").stdout
    assert ANEW in told
    added = told.partition("quiet.pth")[2]
    assert ('"torch==' in added, '"ray==' in added) == ("torch" in had, "cluster" in had)


def test_no_package_of_the_lock_has_another_version_here():
    """PyTorch, Ray and submitit are installed beside the lock, and must change nothing that is in it."""
    lock = (ROOT / "requirements.lock").read_text()
    locked = {same(name): version for name, version in re.findall(r"^([\w.-]+)==([^ ;\\\n]+)", lock, re.M)}
    assert len(locked) > 150
    here = {same(distribution.name): distribution.version for distribution in distributions()}
    assert {name: here[name] for name in locked if here.get(name, locked[name]) != locked[name]} == {}


def same(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


QUIET = ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "DVC_NO_ANALYTICS")


def test_every_python_of_the_environment_tells_nobody_anything(folder):
    """`mlflow run` starts without make, and would look up a host to tell; the line is carried out as make has it."""
    (line,) = (
        line
        for line in folder.make("-n", "setup").stdout.replace("\\\n", "").splitlines()
        if "quiet.pth" in line
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder.path / ".venv"], check=True)
    python = folder.path / ".venv" / "bin" / "python"
    subprocess.run(
        ["bash", "-c", line],
        cwd=folder.path,
        env=os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}"},
        check=True,
    )
    show = "import os; print(*(os.environ[name] for name in ('{}', '{}', '{}')))".format(*QUIET)

    def told(environment: dict[str, str]) -> str:
        return subprocess.run(
            [python, "-c", show], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert told({}) == "true true true\n"
    assert told({"MLFLOW_DISABLE_TELEMETRY": "false"}) == "true false true\n"  # what somebody says stays said


def test_the_environment_that_make_made_is_such_a_one():
    """The one that runs this, if make made it."""
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("this Python is not that of .venv")
    show = "import os; print(*(os.environ.get(name) for name in ('{}', '{}', '{}')))".format(*QUIET)
    told = subprocess.run([sys.executable, "-c", show], env={}, capture_output=True, text=True, check=True)
    assert told.stdout == "true true true\n"


def test_a_python_that_is_too_old_for_the_lab_is_told_so():
    """The guard runs on it, and pip installs that; the lab says what it needs, on its first line."""
    python = interpreter("3.10") or pytest.skip("there is no Python 3.10 on this machine")
    told = subprocess.run([python, "src/train.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr == (
        "pitfalls: this is Python 3.10, and the lab needs Python 3.11 or newer.\n"
        "Run `make setup`, then `source .venv/bin/activate`.\n"
    )
