"""Variants: what the files of conf/ say of themselves, in their headers and in a few of their keys."""

import re
from pathlib import Path

import yaml


def files_of(group: Path) -> list[Path]:
    """Return the file of each option of a group of conf/."""
    return sorted(group.glob("*.yaml"))


def settings(group: Path, key: str) -> dict[str, str]:
    """Return what each option of a group of conf/ sets a key to, without those that do not set it."""
    contents = {path.stem: yaml.safe_load(path.read_text()) or {} for path in files_of(group)}
    return {name: content[key] for name, content in contents.items() if key in content}


def headers(group: Path) -> dict[str, str]:
    """Return what the header of each option of a group of conf/ says that it is."""
    return {path.stem: header(path.read_text()) for path in files_of(group)}


def header(text: str) -> str:
    """Return the first paragraph of a configuration's comment, without its name."""
    comment = re.sub(r"\A# @package \w+\n#\n", "", text)
    paragraph = re.match(r"((?:# .*\n)*)", comment)
    words = " ".join(line[2:] for line in paragraph.group(1).splitlines()) if paragraph else ""
    return words.partition(": ")[2]


def twins(group: Path) -> dict[str, dict[str, str]]:
    """Return the twins of each generator, as its header names them."""
    return {path.stem: twins_in(path.read_text()) for path in files_of(group)}


def twins_in(text: str) -> dict[str, str]:
    """Return the twins that a generator's header names, each with what is apart: `the function apart`."""
    block = re.search(r"^# Twin +(.*(?:\n#  +.*)*)", text, re.M)
    named = re.findall(r"generator=(\w+)[,:]? *([^;]*)", re.sub(r"\n# +", " ", block[1])) if block else []
    twins: dict[str, str] = {}
    for twin, apart in named:
        twins[twin] = list(twins.values())[-1] if apart == "likewise" and twins else apart.strip()
    return twins
