"""Verdicts and runs of every framework, for which pages and maps must have room; made up around TensorFlow's."""

from itertools import product
from pathlib import Path

from made_reports import committed_verdicts, make, result_around, with_guard
from made_results import YIELDS

from pitfalls.project import ROOT, Cell
from pitfalls.report.material import Material, gather
from pitfalls.verdicts.records import CellVerdict

ARRAYS = [
    "reused_inputs",
    "reused_inputs_aligned",
    "reused_pair",
    "fresh_arrays",
    "copied_inputs",
    "flat_labels",
]
TENSORS = [*ARRAYS, "refilled_tensor", "fresh_tensors"]
SAMPLES = ["refilled_sample", "fresh_samples"]

ADDED = {
    "jax": {"jax_loop": ARRAYS, "jax_prefetch": ARRAYS, "keras3_jax": ARRAYS},
    "torch": {
        "torch_loader": TENSORS,
        "torch_workers": TENSORS,
        "torch_collate": SAMPLES,
        "torch_loop": TENSORS,
        "keras3_torch": ARRAYS,
    },
}
"""The runtimes of each framework beside TensorFlow, and the generators that each takes."""

MODELS = ["dense", "mean_lambda", "flat_mean_lambda"]


def like(cell: Cell) -> Cell:
    """Return the cell of TensorFlow that a cell is made up around."""
    runtime = "keras3" if cell.runtime.startswith("keras3") else "custom_loop"
    generator = {"refilled": "reused_inputs", "fresh": "fresh_arrays"}.get(cell.generator.partition("_")[0])
    return Cell(runtime, cell.generator if cell.generator in ARRAYS else generator or "", cell.model)


def added_cells() -> list[tuple[str, Cell]]:
    """Return the framework and the cell of everything that is added."""
    return [
        (framework, Cell(runtime, generator, model))
        for framework, runtimes in ADDED.items()
        for runtime, generators in runtimes.items()
        for generator, model in product(generators, MODELS)
    ]


def make_every_framework(folder: Path) -> tuple[Path, Path]:
    """Write the verdicts, results and the guard's report of twelve runtimes; the guard knows TensorFlow's alone.

    Args:
        folder: Where runs/ and reports/ are made.

    Returns:
        The folders of runs and of reports.
    """
    verdicts, guard = with_guard(committed_verdicts())
    is_added = {cell.runtime for _, cell in added_cells()}
    known = {entry.cell: entry for entry in verdicts.cells if entry.cell.runtime not in is_added}
    runs, reports = make(folder, verdicts.with_changes(cells=list(known.values())), guard=guard)
    written = verdicts.read(reports / "verdicts.json")
    added: list[CellVerdict] = []
    for framework, cell in added_cells():
        entry = known[like(cell)]
        added.append(entry.with_changes(cell=cell, guard=None))
        for seed in entry.seeds:
            result = result_around(entry, seed)
            yields = result.mechanism.with_changes(yields=YIELDS.get(cell.generator, "arrays"))
            result = result.with_changes(cell=cell.at(seed), framework=framework, mechanism=yields)
            result.write(runs / "matrix" / result.cell.path / "result.json")
    written.with_changes(cells=[*known.values(), *added]).write(reports / "verdicts.json")
    return runs, reports


def every_framework(folder: Path) -> Material:
    """Return all that a report shows of twelve runtimes in three frameworks."""
    return gather(*make_every_framework(folder), ROOT)
