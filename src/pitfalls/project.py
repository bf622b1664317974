"""The project: where it stands, what a cell is, and which options params.yaml lists in which order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pitfalls.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder: conf/, runs/, reports/ and the tracking store stand in it."""

PARAMS = ROOT / "params.yaml"

CURE = "Write it as in the last commit: `git diff params.yaml` shows what changed."

RELEASE = "reports/release"
"""Where Git holds the last release; what else stands in reports/ is this machine's."""

PIPELINE = ("matrix", "article")
"""The sweeps of the pipeline."""

LOTTERY = "alignment"
"""The sweep of the alignment lottery."""

FIT, JAX_LOOP = LOTTERY_RUNTIMES = ("keras3", "jax_loop")
"""The runtimes of the lottery: that of TensorFlow, and that of JAX."""

OFFSET, HAND_OVER, LOAD = "generator.inputs_offset_bytes", "feed.hand_over", "load"
"""The keys that its sweeps vary first: in both runtimes, and two in JAX."""

REPORTED = (*PIPELINE, LOTTERY)
"""The sweeps that the report shows."""

AXES = ("runtime", "generator", "model")
"""What makes a cell; a cell at a seed is a run."""

ARRAYS = "arrays"
"""What a generator yields and a runtime takes where conf/ says nothing: whole batches as NumPy arrays."""

EpochHook = Callable[[int, float], None]
"""Called at the end of each epoch with its index and mean loss."""

PAIR = (73, 57)
"""The two integers that the article asks its models for."""

PAIR_MEAN = sum(PAIR) / 2


@dataclass(frozen=True)
class Cell:
    """A place in the matrix; equal and hashable by its three options, so it is its own key."""

    runtime: str
    generator: str
    model: str

    @property
    def options(self) -> dict[str, str]:
        """The option of each axis."""
        return {axis: getattr(self, axis) for axis in AXES}

    @property
    def path(self) -> str:
        """The cell's folder below its sweep's: ``keras2/reused_inputs/dense``."""
        return "/".join(self.options.values())

    def __str__(self) -> str:
        """Name the cell as people read it: ``keras2 / reused_inputs / dense``."""
        return " / ".join(self.options.values())

    def at(self, seed: int) -> "SeededCell":
        """Return the run of this cell at a seed."""
        return SeededCell(self.runtime, self.generator, self.model, seed)


@dataclass(frozen=True)
class SeededCell(Cell):
    """A run: a cell at a seed."""

    seed: int

    @property
    def cell(self) -> Cell:
        """The cell, without the seed."""
        return Cell(self.runtime, self.generator, self.model)

    @property
    def path(self) -> str:
        """The run's folder below its sweep's: ``keras2/reused_inputs/dense/seed-0``."""
        return f"{super().path}/seed-{self.seed}"

    def __str__(self) -> str:
        """Name the run as people read it: ``keras2 / reused_inputs / dense / 0``."""
        return f"{super().__str__()} / {self.seed}"


def listed(key: str, params: Path) -> list[str]:
    """Return what params.yaml lists under a dotted key: a YAML list, or words between commas as Hydra takes them.

    Raises:
        ConfigurationError: The file cannot be read, or has no such key or no list there.
    """
    value: Any = content_of(params)
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ConfigurationError(f"{params} lacks {key}.\n{CURE}")
        value = value[part]
    if isinstance(value, dict) and value:  # one list for each framework
        return [word for part in value for word in listed(f"{key}.{part}", params)]
    items = value if isinstance(value, list) else str(value).split(",") if value != "" else []
    if value is None or isinstance(value, dict) or any(isinstance(item, dict | list) for item in items):
        raise ConfigurationError(f"{params} has no list of words in {key}.\n{CURE}")
    return [str(item) for item in items]


def content_of(params: Path) -> dict[str, Any]:
    """Return what params.yaml holds.

    Raises:
        ConfigurationError: It cannot be read, is no YAML, or holds no keys.
    """
    try:
        content = yaml.safe_load(params.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise ConfigurationError(f"{params} cannot be read: {why}.\n{CURE}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{params} holds no keys.\n{CURE}")
    return content


def listed_numbers(key: str, params: Path, prefix: str = "") -> set[int]:
    """Return the numbers that params.yaml lists under a dotted key, each behind a prefix.

    Raises:
        ConfigurationError: As `listed`, or one is no number.
    """
    words = listed(key, params)
    try:
        return {int(word.removeprefix(prefix)) for word in words}
    except ValueError as error:
        raise ConfigurationError(f"{params} has no usable {key}: {', '.join(words)}.\n{CURE}") from error


def listed_options(axis: str, params: Path = PARAMS) -> list[str]:
    """Return the options of an axis that params.yaml lists, none if there is no such file."""
    return listed(f"matrix.{axis}", params) if params.exists() else []


def listed_runs(params: Path) -> set[SeededCell]:
    """Return each run of the matrix that params.yaml lists and whose runtime takes its generator."""
    cells = product(*(listed_options(axis, params) for axis in AXES))
    seeds = listed_numbers("matrix.seed", params)
    return {Cell(*options).at(seed) for options in cells if is_pair(*options[:2]) for seed in seeds}


@lru_cache
def is_pair(runtime: str, generator: str) -> bool:
    """Tell from conf/ whether a runtime takes what a generator yields."""
    yields = option("generator", generator).get("yields", ARRAYS)
    return yields in option("runtime", runtime).get("takes", [ARRAYS])


def option(group: str, name: str) -> dict[str, Any]:
    """Return what an option's file in conf/ says, nothing if there is none."""
    path = ROOT / "conf" / group / f"{name}.yaml"
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}


def listed_listings(params: Path) -> set[int]:
    """Return the numbers of the article's listings that params.yaml trains or probes."""
    return listed_numbers("article.trained", params, "listing_") | listed_numbers(
        "article.probed", params, "listing_"
    )


class Lot(NamedTuple):
    """One run of the alignment lottery: what is swept in it, as `@key=value`, and its seed."""

    runtime: str
    swept: str
    seed: int

    def __str__(self) -> str:
        """Name it as people read it: ``keras3 @generator.inputs_offset_bytes=16 seed 0``."""
        return f"{self.runtime} {self.swept} seed {self.seed}"


def listed_lots(params: Path) -> set[Lot]:
    """Return the runs of the alignment lottery that params.yaml lists, none if it has no lottery."""
    if "alignment" not in content_of(params):
        return set()
    offsets, hand_overs, waits, loads = (
        listed(f"alignment.{key}", params) for key in ("offset_bytes", "hand_over", "waits", "load")
    )
    seeds = listed_numbers("alignment.seed", params)
    return {
        *(Lot(runtime, f"@{OFFSET}={at}", 0) for runtime in LOTTERY_RUNTIMES for at in offsets),
        *(
            Lot(JAX_LOOP, f"@{HAND_OVER}={way} @feed.waits={until}", 0)
            for way in hand_overs
            for until in waits
        ),
        *(Lot(JAX_LOOP, f"@{LOAD}={load}", seed) for load in loads for seed in seeds),
    }


def in_order(options: Iterable[str], axis: str, params: Path = PARAMS) -> list[str]:
    """Return options once each: those of params.yaml in its order, then the others by name."""
    listed, there = listed_options(axis, params), set(options)
    return [name for name in listed if name in there] + sorted(there.difference(listed))


def place_of(params: Path = PARAMS) -> Callable[[Cell], tuple[tuple[int, str], ...]]:
    """Return the key that sorts cells by runtime, generator and model, each in the order of `in_order`."""
    places = {axis: {name: at for at, name in enumerate(listed_options(axis, params))} for axis in AXES}

    def place(cell: Cell) -> tuple[tuple[int, str], ...]:
        return tuple((places[axis].get(name, len(places[axis])), name) for axis, name in cell.options.items())

    return place
