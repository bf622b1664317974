"""The package: whom it names, what it locks, and that its wheel finds a bug on each Python that it promises."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from pythons import interpreter

from pitfalls.guard.command.arguments import parse
from pitfalls.guard.command.cli import main
from pitfalls.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKED = (ROOT / "requirements.lock").read_text()
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.*?))? \\$", re.M)
LINE = re.compile(r"[a-z0-9-]+==[\w.+]+( ; [^:/@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")

REUSED = """import numpy as np


def batches():
    x = np.zeros((8, 2))
    for i in range(20):
        x[:] = i
        yield x, np.full(8, float(i))
"""


def installed_by(locked: str, python: str) -> dict[str, str]:
    """Return the version of each package that a lock installs on Linux for a version of Python."""
    machine = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return {
        name: pin
        for name, pin, marker in PIN.findall(locked)
        if not marker or Marker(marker).evaluate(machine)
    }


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_pins_what_pyproject_asks_for_on_every_python(python):
    """One file for all of them, by markers; the Makefile takes these three."""
    installed = installed_by(LOCKED, python)
    extras = PROJECT["optional-dependencies"]
    asked = [Requirement(one) for one in (*PROJECT["dependencies"], *extras["lab"], *extras["dev"])]
    assert [str(one) for one in asked if not one.specifier.contains(installed.get(one.name, "0"))] == []


def test_a_marker_in_the_lock_is_read():
    """A package for another system or Python is not what is installed."""
    locked = "a==1 ; sys_platform == 'win32' \\\nb==1 ; python_version < '3.12' \\\nb==2 ; python_version >= '3.12' \\\n"
    assert installed_by(locked, "3.11") == {"b": "1"}
    assert installed_by(locked, "3.13") == {"b": "2"}


def test_the_lock_names_no_host():
    """Pins, markers and hashes, nothing else: whoever installs chooses the index."""
    assert [line for line in LOCKED.splitlines() if not LINE.fullmatch(line)] == []
    assert not LINE.fullmatch("--index-url https://index.example/simple")


def test_no_file_names_a_registry_s_host():
    """Nor any other file that Git knows: an address is no pin."""
    host = re.compile("|".join([r"py[p]i\.org", "pythonh[o]sted"]))  # which do not match themselves
    assert host.search(".".join(["https://pypi", "org/project/numpy"]))
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {name: (ROOT / name).read_text(errors="replace") for name in names.stdout.split("\0") if name}
    assert [name for name, text in texts.items() if host.search(text)] == []


def test_the_citation_and_the_licence_are_those_of_the_package():
    """The version and the licence have their home in pyproject.toml."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    (author,) = citation["authors"]
    assert [author] == PROJECT["authors"]
    licence = (ROOT / PROJECT["license-files"][0]).read_text()
    assert licence.startswith(f"{PROJECT['license']} License\n\n")
    assert f"Copyright (c) 2026 {author['name'].replace('The', 'the')}\n" in licence
    (article,) = citation["references"]
    assert article["url"] in (ROOT / "src" / "pitfalls" / "claims" / "article.py").read_text()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build a wheel and an sdist from a copy of what git knows, so that nothing is left in the tree."""
    copy = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    build = "from setuptools import build_meta as b; print(b.build_{0}('dist'))"
    for kind in ("wheel", "sdist"):
        subprocess.run([sys.executable, "-c", build.format(kind)], cwd=copy, check=True, capture_output=True)
    (wheel,), (sdist,) = (copy.glob(f"dist/{pattern}") for pattern in ("*.whl", "*.tar.gz"))
    return {"wheel": wheel, "sdist": sdist}


@pytest.mark.parametrize(
    ("version", "kind", "numpy"),
    [
        ("3.10", "wheel", "numpy==1.26.*"),
        ("3.10", "sdist", "numpy>=2"),
        ("3.11", "wheel", "numpy>=2"),
        ("3.12", "sdist", "numpy==1.26.*"),
        ("3.12", "wheel", "numpy>=2"),
        ("3.13", "wheel", "numpy>=2"),
    ],
)
def test_the_package_finds_a_bug_in_an_environment_that_holds_nothing_else(
    built, tmp_path, version, kind, numpy
):
    """From nothing to a finding, with either NumPy, without the lab's weight; it knows its version."""
    python = interpreter(version) or pytest.skip(f"there is no Python {version} on this machine")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    scripts = tmp_path / "venv" / "bin"
    asked = [scripts / "pip", "install", "--quiet", built[kind], numpy]
    subprocess.run(asked, check=True, capture_output=True, text=True)
    (tmp_path / "train.py").write_text(REUSED)
    command = scripts / "pitfalls"
    told = subprocess.run(
        [command, "check", "train.py:batches"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1, told.stdout + told.stderr
    assert "aliased-batch: inputs of batch 0 changed after it was yielded." in told.stdout
    assert "train.py:7: x[:] = i" in told.stdout
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"pitfalls {PROJECT['version']}\n"
    listed = subprocess.run([scripts / "pip", "list"], capture_output=True, text=True, check=True)
    packages = {line.split()[0].lower() for line in listed.stdout.splitlines()[2:]}
    assert packages <= {"numpy", "pyyaml", "pitfalls", "pip", "setuptools"}


def test_the_hook_and_the_workflow_call_a_command_that_exists():
    """With arguments that it takes."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    script, *words = hook["entry"].split()
    assert script in PROJECT["scripts"] and words == ["check"]
    (job,) = yaml.safe_load((ROOT / "docs" / "ci" / "pitfalls.yml").read_text())["jobs"].values()
    commands = [step["run"].split() for step in job["steps"] if step.get("run", "").startswith("pitfalls")]
    assert [parse(words[1:]).sarif for words in commands] == ["pitfalls.sarif"]


def test_without_arguments_the_command_prints_its_help(capsys):
    """And ends as what could not check: a job that forgot them must not pass."""
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("usage: pitfalls [-h] [--version] check")
