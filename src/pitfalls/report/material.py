"""Material: all that the report shows, read once from verdicts, results, the guard's report and conf/.

Nothing is judged here and nothing is drawn. What is missing stays empty: the page says
so in its place.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pitfalls.errors import ResultError
from pitfalls.project import AXES, Cell, in_order
from pitfalls.report.variants import headers, settings, twins
from pitfalls.results import Probe, Result, Task, readable_results
from pitfalls.verdicts import guard, records
from pitfalls.verdicts.benchmarks import Benchmarks
from pitfalls.verdicts.guard import GuardReport
from pitfalls.verdicts.records import Verdicts

ARTICLE_TASK = Task(high=100, batch_size=64)


@dataclass(frozen=True)
class Article:
    """The article by its name, and where it can be read."""

    title: str
    in_english: str
    place: str
    url: str


ARTICLE = Article(
    "Делаем нейронную сеть: как не сломать мозг",
    "Making a neural network: how not to break the brain",
    "Habr, February 2019",
    "https://habr.com/en/articles/439038",
)


@dataclass(frozen=True)
class Material:
    """What the report is made of.

    Attributes:
        verdicts: Every verdict.
        runs: The results of each cell of the matrix, by seed.
        article: The results of the article's listings.
        allocation: The probe that counted where NumPy's arrays begin, at the matrix's batch size.
        axes: The options of each axis that occur, in the order of params.yaml; runtimes of one framework together.
        frameworks: The runtimes of each framework, in the same order.
        options: For each group of conf/, what each option's header says it is.
        twins: For each generator its twins, and what is apart between the two, as the headers in conf/ say.
        guard: What the guard said, an empty report if it was not asked.
        benchmarks: What was measured of costs, and where; None if nothing was.
    """

    verdicts: Verdicts
    runs: dict[Cell, list[Result]]
    article: list[Result]
    allocation: Probe | None
    axes: dict[str, list[str]]
    frameworks: dict[str, list[str]]
    options: dict[str, dict[str, str]]
    twins: dict[str, dict[str, str]]
    guard: GuardReport
    benchmarks: tuple[Benchmarks, str] | None

    @property
    def matrix(self) -> list[Result]:
        """Every result of the matrix."""
        return [run for runs in self.runs.values() for run in runs]

    @property
    def results(self) -> list[Result]:
        """Every result of the matrix and of the article."""
        return self.matrix + self.article

    @property
    def seeds(self) -> list[int]:
        """Every seed of the matrix, in order."""
        return sorted({run.cell.seed for run in self.matrix})

    @property
    def task(self) -> Task:
        """The task of the closed forms, else of the first run, else the article's."""
        if forms := self.verdicts.closed_forms:
            return Task(high=round(2 * forms.constant) + 1, batch_size=forms.b)
        return next((run.task for run in self.results), ARTICLE_TASK)

    def pairs(self) -> set[tuple[str, str]]:
        """Return each runtime and generator that were judged together, or that should have been.

        No runtime takes every generator, so an empty place of the map is either a run that is
        missing or a pair that does not exist.
        """
        judged = {(entry.cell.runtime, entry.cell.generator) for entry in self.verdicts.cells}
        missing = [name.split(" / ") for name in self.verdicts.missing]
        return judged | {(runtime, generator) for runtime, generator, *_ in filter(is_run, missing)}

    def about(self, axis: str, option: str) -> str:
        """Return what an option's header says it is."""
        return self.options[axis].get(option, "")


def gather(runs: Path, reports: Path, root: Path) -> Material:
    """Read everything that the report shows, each file once.

    Args:
        runs: The folder of all sweeps.
        reports: The folder that holds verdicts.json.
        root: The project's folder, for conf/ and params.yaml.

    Raises:
        ResultError: verdicts.json is missing, or it or guard.json is damaged.
    """
    verdicts = Verdicts.read(reports / records.PLACE)
    params, conf = root / "params.yaml", root / "conf"
    axes = {axis: in_order(options_of(verdicts, axis), axis, params) for axis in AXES}
    cells = by_cell(runs)
    frameworks = by_framework(axes["runtime"], settings(conf / "runtime", "framework") | measured_on(cells))
    return Material(
        verdicts=verdicts,
        runs=cells,
        article=[result for result in readable_results(runs, "article") if result.listing],
        allocation=allocation_probe(runs),
        axes=axes | {"runtime": [runtime for group in frameworks.values() for runtime in group]},
        frameworks=frameworks,
        options={axis: headers(conf / axis) for axis in AXES},
        twins=twins(conf / "generator"),
        guard=GuardReport.read_or_empty(reports / guard.PLACE),
        benchmarks=Benchmarks.shown(reports, root),
    )


def by_cell(runs: Path) -> dict[Cell, list[Result]]:
    """Return the results of each cell of the matrix, in the order of their seeds."""
    cells: dict[Cell, list[Result]] = defaultdict(list)
    for result in readable_results(runs, "matrix"):
        cells[result.cell.cell].append(result)
    return {cell: sorted(results, key=lambda run: run.cell.seed) for cell, results in cells.items()}


def allocation_probe(runs: Path) -> Probe | None:
    """Return the first probe beside the lottery that can be read and counted NumPy's arrays."""
    for path in sorted((runs / "alignment" / "probe").glob("**/probe.json")):
        try:
            probe = Probe.read(path)
        except ResultError:
            continue
        if probe.allocated:
            return probe
    return None


def options_of(verdicts: Verdicts, axis: str) -> set[str]:
    """Return the options of an axis that occur among the judged cells."""
    return {entry.cell.options[axis] for entry in verdicts.cells}


def is_run(parts: list[str]) -> bool:
    """Tell whether a missing thing is a run: runtime, generator, model and seed; listings have other names."""
    return len(parts) == len(AXES) + 1


def measured_on(cells: Mapping[Cell, list[Result]]) -> dict[str, str]:
    """Return the framework of each runtime, as its results say."""
    return {cell.runtime: results[0].framework for cell, results in cells.items()}


def by_framework(runtimes: Iterable[str], framework_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the runtimes of each framework, in their order; one that nobody knows stands under the default."""
    groups: dict[str, list[str]] = defaultdict(list)
    for runtime in runtimes:
        groups[framework_of.get(runtime, Result.model_fields["framework"].default)].append(runtime)
    return dict(groups)
