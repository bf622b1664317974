"""Interpreters of this machine: where a Python of a given version is, so that what we promise for it can be run.

`python tests/pythons.py 3.13` prints its path, or says that there is none.
"""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SPEAKS = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
"""What an interpreter is asked: a system's Python may lack what `python -m venv` needs."""


def interpreter(version: str) -> str | None:
    """Return the path of a Python of a version such as 3.12, nothing where there is none.

    A name on the PATH may be one of pyenv's shims, which does not start unless that version is
    chosen. So each candidate is started before it is named.
    """
    return next((path for path in candidates(version) if answers(path, version)), None)


def candidates(version: str) -> Iterator[str]:
    """Yield where a Python of a version could be: on the PATH, then below pyenv, wherever that is."""
    if found := shutil.which(f"python{version}"):
        yield found
    for root in pyenv_roots():
        yield from sorted(map(str, root.glob(f"versions/{version}.*/bin/python")), reverse=True)


def pyenv_roots() -> Iterator[Path]:
    """Yield where pyenv may be; the home of the account counts also where HOME is another folder."""
    if root := os.environ.get("PYENV_ROOT"):
        yield Path(root)
    if command := shutil.which("pyenv"):
        yield Path(command).resolve().parents[1]
    yield Path.home() / ".pyenv"
    yield Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv"


def answers(path: str, version: str) -> bool:
    """Tell whether an interpreter starts, is of a version, and can make environments."""
    try:
        done = subprocess.run([path, "-c", SPEAKS], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


if __name__ == "__main__":
    print(interpreter(sys.argv[1]) or sys.exit(f"There is no Python {sys.argv[1]} on this machine."))
