"""Ordering: the axes that make a cell, and the order in which their options are shown everywhere.

That order is the one in which params.yaml lists them.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path

import yaml

from pitfalls.config import schema as config

AXES = config.AXES[:3]

PARAMS = config.ROOT / "params.yaml"


def listed_options(axis: str, params: Path = PARAMS) -> list[str]:
    """Return the options of an axis that params.yaml lists, none if there is no such file."""
    told = yaml.safe_load(params.read_text())["matrix"][axis] if params.exists() else []
    return told.split(",") if isinstance(told, str) else list(told)


def listed_runs(params: Path) -> set[tuple[str, str, str, int]]:
    """Return (runtime, generator, model, seed) of each run of the matrix."""
    seeds = [int(seed) for seed in str(yaml.safe_load(params.read_text())["matrix"]["seed"]).split(",")]
    axes = [listed_options(axis, params) for axis in AXES]
    return {(runtime, generator, model, s) for runtime, generator, model in product(*axes) for s in seeds}


def listed_listings(params: Path) -> set[int]:
    """Return the numbers of the article's listings that params.yaml trains or probes."""
    article = yaml.safe_load(params.read_text())["article"]
    names = ",".join((article["trained"], article["probed"])).split(",")
    return {int(name.removeprefix("listing_")) for name in names}


def in_order(options: Iterable[str], axis: str, params: Path = PARAMS) -> list[str]:
    """Return options once each: those of params.yaml in its order, then the others by name."""
    listed, seen = listed_options(axis, params), set(options)
    return [name for name in listed if name in seen] + sorted(seen.difference(listed))


def place_of(params: Path = PARAMS) -> Callable[[Mapping[str, str]], tuple[tuple[int, str], ...]]:
    """Return the key that sorts cells by runtime, generator and model, each in the order of `in_order`."""
    places = {axis: {name: at for at, name in enumerate(listed_options(axis, params))} for axis in AXES}

    def place(cell: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
        return tuple((places[axis].get(cell[axis], len(places[axis])), cell[axis]) for axis in AXES)

    return place
