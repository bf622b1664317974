"""Pages whose commands are run: what they print is compared with what the page says.

Times and standard errors vary, so they are not compared; other numbers must agree to a few
per cent, because sums of floats differ between processors. All other text must be equal.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]\d+)?")
VARIES = re.compile(r"\d+\.\d s\b|± \S+|0x[0-9a-f]+|0x\.\.\.")

RELATIVE, ABSOLUTE = 0.05, 0.02
IN_A_RACE = 0.4
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
        "PYTHONPATH": str(folder / "src"),
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


def follow(page: Path, folder: Path) -> list[str]:
    """Run every console block of a page in a folder, and return what it prints otherwise than it says.

    Python blocks whose first line names a file are written to it. With UPDATE=1 in the
    environment the page is written anew, with what was really printed.
    """
    found: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        block = Block(match[1], match[2].strip(), match[3])
        if block.language == "python" and (named := re.match(r"# (\w+\.py)\n", block.text)):
            (folder / named[1]).write_text(block.text)
        if block.language != "console":
            return match[0]
        text = ""
        for command, told in block.commands:
            printed = re.sub(r"0x[0-9a-f]+", "0x...", shell(command, folder).stdout)
            text += f"$ {command}\n" + "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
            relative = IN_A_RACE if block.info == "race" else RELATIVE
            found.extend(f"$ {command}\n{line}" for line in differences(told, printed, relative))
        return f"```console{match[2]}\n{text}```"

    written = BLOCK.sub(replaced, page.read_text())
    if os.environ.get("UPDATE") == "1":
        page.write_text(written)
    return found
