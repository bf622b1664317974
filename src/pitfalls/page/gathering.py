"""Gathering: all that the page shows, read from verdicts, results, probes and conf/.

Nothing is judged here and nothing is drawn. What is missing stays empty: the page says
so in its place.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pitfalls.results import read_json, readable_results

AXES = ("runtime", "generator", "model")

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
    """

    verdicts: dict[str, Any]
    runs: dict[CellKey, list[dict[str, Any]]]
    article: dict[int, dict[str, Any]]
    lottery: list[dict[str, Any]]
    axes: dict[str, list[str]]
    options: dict[str, dict[str, str]]

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
        ResultError: verdicts.json is missing or damaged.
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
        axes={axis: options_in_order(verdicts, axis, root / "params.yaml") for axis in AXES},
        options={axis: headers(root / "conf" / axis) for axis in AXES},
    )


def cell_key(cell: dict[str, Any]) -> CellKey:
    """Return a cell's runtime, generator and model."""
    return tuple(cell[axis] for axis in AXES)


def options_in_order(verdicts: dict[str, Any], axis: str, params: Path) -> list[str]:
    """Return the options of an axis that occur: first those of params.yaml, in its order, then the others."""
    seen = {entry["cell"][axis] for entry in verdicts["cells"]}
    told = yaml.safe_load(params.read_text())["matrix"][axis] if params.exists() else []
    listed = told.split(",") if isinstance(told, str) else told
    return [name for name in listed if name in seen] + sorted(seen - set(listed))


def headers(group: Path) -> dict[str, str]:
    """Return what the header of each option of a group of conf/ says that it is."""
    return {path.stem: header(path.read_text()) for path in sorted(group.glob("*.yaml"))}


def header(text: str) -> str:
    """Return the first paragraph of a configuration's comment, without its name."""
    comment = re.sub(r"\A# @package \w+\n#\n", "", text)
    paragraph = re.match(r"((?:# .*\n)*)", comment)
    words = " ".join(line[2:] for line in paragraph.group(1).splitlines()) if paragraph else ""
    return words.partition(": ")[2]
