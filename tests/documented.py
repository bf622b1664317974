"""Pages whose commands are run: what they print is compared with what the page says.

Times and standard errors vary, so they are not compared; other numbers must agree to a few
per cent, because sums of floats differ between processors. All other text must be equal.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")
VARIES = re.compile(r"\d+\.\d s\b|± \S+|0x[0-9a-f]+|0x\.\.\.")

RELATIVE, ABSOLUTE = 0.05, 0.02
IN_A_RACE = 0.5
"""How far a number may be off; where a block is marked `race`, a race decided it."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what else its first line says, and its text."""

    language: str
    info: str
    text: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console block, each with what it prints."""
        parts = re.split(r"^\$ (.*)\n", self.text, flags=re.M)
        return list(zip(parts[1::2], parts[2::2], strict=True))


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(language, info.strip(), text) for language, info, text in BLOCK.findall(page)]


def differences(told: str, printed: str, relative: float = RELATIVE) -> list[str]:
    """Return what a command prints otherwise than the page tells, line by line."""
    told_lines, printed_lines = told.rstrip().splitlines(), printed.rstrip().splitlines()
    if len(told_lines) != len(printed_lines):
        return [f"{len(told_lines)} lines are told, and these were printed:\n{printed}"]
    return [
        f"told     {one}\nprinted  {other}"
        for one, other in zip(told_lines, printed_lines, strict=True)
        if not agree(one, other, relative)
    ]


def agree(told: str, printed: str, relative: float) -> bool:
    """Tell whether two lines say the same, numbers apart by no more than the tolerance."""
    one, other = (VARIES.sub("~", " ".join(line.split())) for line in (told, printed))
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(float(a) == pytest.approx(float(b), rel=relative, abs=ABSOLUTE) for a, b in pairs)


def copy_of_the_project(folder: Path) -> Path:
    """Copy what the stages need, so that nothing of this project's own runs is seen or touched."""
    for name in ("src", "conf", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("params.yaml", "dvc.yaml", "requirements.lock", "README.md"):
        shutil.copy2(ROOT / name, folder / name)
    return folder


def shell(line: str, folder: Path, timeout: int = 240) -> subprocess.CompletedProcess[str]:
    """Run a line in a copy of the project, with this environment's commands; both streams are one."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src" if (folder / "src").exists() else ROOT / "src"),
        "DVC_NO_ANALYTICS": "true",
    }
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def exact_differences(told: str, printed: str, relative: float = 0.0) -> list[str]:
    """Return what a command prints otherwise than the page tells, where nothing may differ but a count of changes.

    A row that is drawn twice in a row does not change, so how many values changed is left out.
    """
    one, other = (re.sub(r"(changed +)\d+ of", r"\1N of", text.rstrip()) for text in (told, printed))
    return [] if one == other else [f"told\n{one}\nprinted\n{other}"]


def run_file(file: Path) -> str:
    """Return what a Python file prints, run in this process as a module of its name."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(file.read_text(), file.name, "exec"), {"__name__": file.stem})
    return output.getvalue()


def follow(
    page: Path, folder: Path, compare: Callable[[str, str, float], list[str]] = differences
) -> list[str]:
    """Run every console block of a page in a folder, and return what it prints otherwise than it says.

    Python blocks whose first line names a file are written to it, and a text block behind one is what the
    file prints. With UPDATE=1 in the environment the page is written anew, with what was really printed.
    """
    found: list[str] = []
    files: list[Path] = []

    def told(block: Block, what: str, said: str, printed: str) -> str:
        masked = "".join(
            f"{line.rstrip()}\n" for line in re.sub(r"0x[0-9a-f]+", "0x...", printed).splitlines()
        )
        relative = IN_A_RACE if block.info == "race" else RELATIVE
        found.extend(f"{what}\n{line}" for line in compare(said, masked, relative))
        return masked

    def replaced(match: re.Match[str]) -> str:
        block = Block(match[1], match[2].strip(), match[3])
        if block.language == "python" and (named := re.match(r"# (\w+\.py)\n", block.text)):
            files.append(folder / named[1])
            files[-1].write_text(block.text)
        if block.language == "text" and files:
            return f"```text\n{told(block, files[-1].name, block.text, run_file(files[-1]))}```"
        if block.language != "console":
            return match[0]
        text = "".join(
            f"$ {command}\n{told(block, f'$ {command}', said, shell(command, folder).stdout)}"
            for command, said in block.commands
        )
        return f"```console{match[2]}\n{text}```"

    written = BLOCK.sub(replaced, page.read_text())
    if os.environ.get("UPDATE") == "1":
        page.write_text(written)
    return found
