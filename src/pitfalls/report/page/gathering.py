"""Gathering: all that the page shows, read from verdicts, results, probes and conf/.

Nothing is judged here and nothing is drawn. What is missing stays empty: the page says
so in its place.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pitfalls.project import AXES, in_order
from pitfalls.results import read_json, readable_results

CellKey = tuple[str, ...]
"""A cell's runtime, generator and model."""


@dataclass(frozen=True)
class Material:
    """What the page is made of.

    Attributes:
        verdicts: The content of verdicts.json.
        runs: The results of each cell of the matrix, by seed.
        article: The results of the article's listings, by listing.
        lottery: Results of one cell at several addresses of its buffer, by that address.
        axes: The options of each axis that occur, in the order of params.yaml.
        options: For each group of conf/, what each option's header says it is.
        guard: The content of guard.json, nothing if the guard was not asked.
    """

    verdicts: dict[str, Any]
    runs: dict[CellKey, list[dict[str, Any]]]
    article: dict[int, dict[str, Any]]
    lottery: list[dict[str, Any]]
    axes: dict[str, list[str]]
    options: dict[str, dict[str, str]]
    guard: dict[str, Any]

    @property
    def results(self) -> list[dict[str, Any]]:
        """Every result of the matrix and of the article."""
        return [run for runs in self.runs.values() for run in runs] + list(self.article.values())


def gather(runs: Path, reports: Path, root: Path) -> Material:
    """Read everything that the page shows.

    Args:
        runs: The folder of all sweeps.
        reports: The folder that holds verdicts.json.
        root: The project's folder, for conf/ and params.yaml.

    Raises:
        ResultError: verdicts.json is missing, or it or guard.json is damaged.
    """
    verdicts = read_json(reports / "verdicts.json")
    by_cell: dict[CellKey, list[dict[str, Any]]] = defaultdict(list)
    for result in readable_results(runs, "matrix"):
        by_cell[cell_key(result["cell"])].append(result)
    article = [result for result in readable_results(runs, "article") if result.get("listing")]
    lottery = [
        r for r in readable_results(runs, "alignment") if r["buffer_address_mod_64"]["inputs"] is not None
    ]
    return Material(
        verdicts=verdicts,
        runs={key: sorted(seeds, key=lambda one: one["cell"]["seed"]) for key, seeds in by_cell.items()},
        article={result["listing"]: result for result in article},
        lottery=sorted(lottery, key=lambda one: one["buffer_address_mod_64"]["inputs"]),
        axes={axis: in_order(options_of(verdicts, axis), axis, root / "params.yaml") for axis in AXES},
        options={axis: headers(root / "conf" / axis) for axis in AXES},
        guard=read_json(asked) if (asked := reports / "guard.json").exists() else {},
    )


def cell_key(cell: dict[str, Any]) -> CellKey:
    """Return a cell's runtime, generator and model."""
    return tuple(cell[axis] for axis in AXES)


def options_of(verdicts: dict[str, Any], axis: str) -> set[str]:
    """Return the options of an axis that occur among the judged cells."""
    return {entry["cell"][axis] for entry in verdicts["cells"]}


def headers(group: Path) -> dict[str, str]:
    """Return what the header of each option of a group of conf/ says that it is."""
    return {path.stem: header(path.read_text()) for path in sorted(group.glob("*.yaml"))}


def header(text: str) -> str:
    """Return the first paragraph of a configuration's comment, without its name."""
    comment = re.sub(r"\A# @package \w+\n#\n", "", text)
    paragraph = re.match(r"((?:# .*\n)*)", comment)
    words = " ".join(line[2:] for line in paragraph.group(1).splitlines()) if paragraph else ""
    return words.partition(": ")[2]
