"""The page about the guard: every example runs, and prints what the page says."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pitfalls.guard.command import cli

PAGE = Path(__file__).parents[2] / "docs" / "guard.md"
BLOCK = re.compile(r"^```(python|console|text)\n(.*?)^```$", re.M | re.S)


def masked(text):
    return re.sub(r"0x[0-9a-f]+", "0x...", text)


def run_command(line):
    """Return what a command prints in a shell, errors included."""
    command = [
        sys.executable,
        "-c",
        "import sys; from pitfalls.guard.command.cli import main; sys.exit(main())",
    ]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "timeout": 60}
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[3])}
    return subprocess.run([*command, *shlex.split(line)[1:]], env=environment, check=False, **options).stdout


def run_file(name, code):
    """Return what a file prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, name, "exec"), {"__name__": Path(name).stem})
    return output.getvalue()


def as_run(page):
    """Return the page with every output replaced by the real one."""
    files = {}
    last = None

    def replaced(match):
        nonlocal last
        kind, body = match.groups()
        if kind == "python":
            last = body.splitlines()[0].removeprefix("# ")
            files[last] = body
            Path(last).write_text(body)
        elif kind == "console":
            lines = [line for line in body.splitlines() if line.startswith("$ ")]
            body = "".join(f"{line}\n{masked(run_command(line[2:]))}" for line in lines)
        else:
            body = masked(run_file(last, files[last]))
        return f"```{kind}\n{body}```"

    return BLOCK.sub(replaced, page)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("train",):
        sys.modules.pop(name, None)


def test_every_output_on_the_page_is_the_real_one(elsewhere):
    """Commands and files are run in the order of the page; addresses are masked. UPDATE=1 writes the page."""
    page = PAGE.read_text()
    real = as_run(page)
    if os.environ.get("UPDATE") == "1":
        PAGE.write_text(real)
    assert without_counts(page) == without_counts(real)


def without_counts(text):
    """Leave out how many values changed: a row that is drawn twice in a row does not change."""
    return re.sub(r"(changed +)\d+ of", r"\1N of", text)


def test_an_output_that_is_not_the_real_one_is_noticed(elsewhere):
    """The comparison can fail."""
    page = "```python\n# one.py\nprint(1)\n```\n\n```text\n2\n```"
    assert as_run(page) == page.replace("\n2\n", "\n1\n")
