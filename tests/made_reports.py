"""Runs and reports for tests of the page, made from the verdicts that git holds.

runs/ is not in git, so results are made up around the verdicts: each seed ends at the
cell's measured loss. What the verdicts of an earlier release do not hold, the closed forms,
the queues and the lottery, is made up too. Nothing is trained.
"""

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from made_results import BUFFERS, PREDICTIONS, made_answers, made_prediction, made_result

from pitfalls.project import ROOT, Cell, SeededCell
from pitfalls.report.lottery import CALLS, WAITS
from pitfalls.report.material import Material, gather
from pitfalls.report.page import write_page
from pitfalls.results import Fired, Probe, Record, Result, Slot, Task
from pitfalls.verdicts.cells import Judged, bugs_of, gather_lottery
from pitfalls.verdicts.everything import closed_forms_of
from pitfalls.verdicts.guard import CheckedGenerator, CheckedModel, GuardFinding, GuardReport
from pitfalls.verdicts.records import CellVerdict, Verdicts
from pitfalls.verdicts.run import judge

TASK = Task(high=100, batch_size=64)

COUNTED = {
    "runtime": ("keras2", "keras3", "keras3_workers", "custom_loop"),
    "generator": (
        "reused_inputs",
        "reused_inputs_aligned",
        "reused_pair",
        "fresh_arrays",
        "copied_inputs",
        "flat_labels",
    ),
    "model": PREDICTIONS,
}
"""The options whose 72 cells the tests count; what a later release adds is left out of the made reports."""

DRAWS = [
    ([85, 63], 74.0),
    ([51, 26], 38.5),
    ([30, 4], 17.0),
    ([7, 1], 4.0),
    ([17, 81], 49.0),
    ([64, 91], 77.5),
    ([50, 60], 55.0),
    ([97, 72], 84.5),
    ([63, 54], 58.5),
    ([55, 93], 74.0),
]
"""What the generators yield from seed 0 at batch size 1: inputs and their label."""

ALLOCATIONS = {0: 50, 16: 150}
"""Of 200 arrays, how many began at each address modulo 64."""


def committed_verdicts() -> Verdicts:
    """Return the verdicts of the last release, of the options that the tests count, without a lottery."""
    verdicts = Verdicts.read(ROOT / "reports" / "release" / "verdicts.json")
    return verdicts.with_changes(
        cells=[with_bugs(entry) for entry in verdicts.cells if is_counted(entry.cell)],
        probes=[with_queue(probe) for probe in verdicts.probes],
        listings=[
            entry.with_changes(printed_losses=PRINTED_LOSSES) if entry.listing == 1 else entry
            for entry in verdicts.listings
        ],
        closed_forms=closed_forms_of(TASK),
        lottery=[],
    )


PRINTED_LOSSES = {1: 1044.08, 2: 713.52, 3: 708.11, 98: 415.05, 99: 416.69, 100: 417.24}
"""What the article printed for listing 1, by epoch."""


def is_counted(cell: Cell) -> bool:
    """Tell whether the tests count a cell."""
    return all(option in COUNTED[axis] for axis, option in cell.options.items())


def with_bugs(entry: CellVerdict) -> CellVerdict:
    """Return a verdict with the bugs of its cell."""
    return entry.with_changes(bugs=bugs_of(made_result(entry.cell)))


def with_queue(probe: Probe) -> Probe:
    """Return a probe with ten batches held: of listing 3 all inputs are the newest, of others each is its own."""
    is_reused = probe.listing == 3
    rows = [(DRAWS[-1][0] if is_reused else inputs, label) for inputs, label in DRAWS]
    queue = [Slot(inputs=inputs, label=label, fits=sum(inputs) / 2 == label) for inputs, label in rows]
    return probe.with_changes(queue=queue, buffers=1 if is_reused else len(queue))


def with_lottery(verdicts: Verdicts) -> Verdicts:
    """Return the verdicts with runs at sixteen addresses, of which those at a multiple of 64 bytes are bitten.

    In JAX also with each way to hand a batch over, and with steps of two lengths.
    """
    judged = []
    for runtime in ("keras3", "jax_loop"):
        for at in range(0, 64, 4):
            offsets = {"inputs": at, "labels": None}
            swept = f"@generator.inputs_offset_bytes={at}"
            judged.append(drawn(runtime, swept, not at, buffer_address_mod_64=offsets))
    sound = made_result(Cell("jax_loop", "reused_inputs_aligned", "mean_lambda")).mechanism
    for way, waits in product(CALLS, WAITS):
        mechanism = sound.with_changes(hand_over=way, waits=waits)
        is_cured = (
            way == "numpy_copy" or waits == "step" or (way in ("asarray", "array_copy") and waits == "batch")
        )
        swept = f"@feed.hand_over={way}/@feed.waits={waits}"
        judged.append(drawn("jax_loop", swept, not is_cured, mechanism=mechanism.as_json()))
    judged += [drawn("jax_loop", f"@load={load}", load == 200, load=load) for load in (1, 200)]
    return verdicts.with_changes(lottery=gather_lottery(judged))


def drawn(runtime: str, swept: str, is_bitten: bool, **measured: Any) -> Judged:
    """Return a run of the lottery, judged, with most of its rows broken or none."""
    if is_bitten:
        measured |= {"final_loss": 690.0, "broken_rows": 0.83, "standard_error": 1.0}
    generator = "reused_inputs" if "offset" in swept else "reused_inputs_aligned"
    result = made_result(Cell(runtime, generator, "mean_lambda"), **measured)
    return Judged(result, judge(result), Path(swept))


def allocation_probe(task: Task = TASK) -> Probe:
    """Return a probe of one batch of arrays of their own, that counted where NumPy's arrays begin."""
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, task.high, (task.batch_size, 2)).astype(float) for _ in range(2)]
    return Probe(
        listing=None,
        generator="fresh_arrays",
        yields=[batch.tolist() for batch in inputs],
        labels=[batch.mean(axis=1, keepdims=True).tolist() for batch in inputs],
        fits=[True, True],
        shares_memory=False,
        allocated=sum(ALLOCATIONS.values()),
        allocations=ALLOCATIONS,
    )


def make(
    folder: Path, verdicts: Verdicts, lottery: bool = True, guard: GuardReport | None = None
) -> tuple[Path, Path]:
    """Write verdicts.json, a result for each seed of each cell, and guard.json if there is one.

    Args:
        folder: Where runs/ and reports/ are made.
        verdicts: What verdicts.json holds.
        lottery: Whether the alignment lottery was run, and NumPy's arrays counted.
        guard: What guard.json holds.

    Returns:
        The folders of runs and of reports.
    """
    runs, reports = folder / "runs", folder / "reports"
    if lottery:
        verdicts = with_lottery(verdicts)
        allocation_probe().write(runs / "alignment" / "probe" / "probe.json")
    verdicts.write(reports / "verdicts.json")
    if guard is not None:
        guard.write(reports / "guard.json")
    for entry in verdicts.cells:
        for seed in entry.seeds:
            result = result_around(entry, seed)
            result.write(runs / "matrix" / result.cell.path / "result.json")
    return runs, reports


def made_material(folder: Path, verdicts: Verdicts, **parts: Any) -> Material:
    """Return all that a report shows of made-up runs; the parts are those of `make`."""
    return gather(*make(folder, verdicts, **parts), ROOT)


def made_page(folder: Path, verdicts: Verdicts, **parts: Any) -> Path:
    """Write the page of made-up runs, and return where it is; the parts are those of `make`."""
    return write_page(made_material(folder, verdicts, **parts), folder / "reports")


def result_around(entry: CellVerdict, seed: int) -> Result:
    """Return a result that a run of a cell could have measured; an option that is new is taken for a known one."""
    cell = entry.cell
    known = Cell(cell.runtime, cell.generator if cell.generator in BUFFERS else "fresh_arrays", cell.model)
    final = entry.measured
    trains = PREDICTIONS[cell.model][0] > 0
    is_bitten = trains and final > 1
    result = made_result(
        known.at(seed),
        loss=[final + 500 * 0.1**epoch for epoch in range(30)] if trains else [final] * 6,
        final_loss=final,
        standard_error=1.0,
        broken_rows=entry.broken_rows,
        answers=made_answers(49.5 + seed if is_bitten else None),
        prediction=made_prediction(49.6) if is_bitten else made_prediction(),
    )
    return result.with_changes(cell=SeededCell(**cell.options, seed=seed))


ALIASED = GuardFinding(
    rule="aliased-batch",
    array="inputs",
    batch=0,
    message="AliasedBatchError: batch 0 changed <after> it was yielded.",
    fix="Allocate the array inside the loop.",
)
BROADCAST = GuardFinding(
    rule="broadcast-loss",
    array="labels",
    batch=0,
    message="BroadcastLossError: this loss would subtract every label from every prediction.",
    fix="Give the labels a last axis.",
)


def with_guard(verdicts: Verdicts) -> tuple[Verdicts, GuardReport]:
    """Return the verdicts with what the guard fired, and the guard's report.

    Reused buffers are found on the generator, and labels and predictions of two ranks on the model.
    """
    generators, models, cells = {}, [], []
    for entry in verdicts.cells:
        cell = entry.cell
        aliased = [ALIASED] if BUFFERS[cell.generator] != (None, None) else []
        is_broadcast = (cell.generator == "flat_labels") != (cell.model == "flat_mean_lambda")
        broadcast = [BROADCAST] if is_broadcast else []
        fired = [finding.rule for finding in aliased + broadcast]
        cells.append(entry.with_changes(guard=Fired(fired=fired, expected=fired)))
        generators[cell.generator] = CheckedGenerator(generator=cell.generator, **reported(aliased))
        models.append(CheckedModel(**cell.options, **reported(broadcast)))
    report = GuardReport(generators=list(generators.values()), models=models)
    return verdicts.with_changes(cells=cells), report


def reported(findings: list[GuardFinding]) -> dict[str, Any]:
    """Return findings with the status that the guard gives them."""
    return {"status": "findings" if findings else "clean", "findings": findings}


def with_first_cell(verdicts: Verdicts, **fields: Any) -> Verdicts:
    """Return the verdicts with other values in some fields of the first cell."""
    first, *others = verdicts.cells
    return verdicts.with_changes(cells=[first.with_changes(**fields), *others])


def with_a_failure(verdicts: Verdicts) -> Verdicts:
    """Return the verdicts with one cell's claim broken, and one result that cannot be read."""
    doctored = with_first_cell(
        verdicts, verdict="fail", measured=12.5, effect="bites", reasons=["seed 0: the loss is <12.5>"]
    )
    return doctored.with_changes(damaged=["runs/matrix/keras3/result.json is no complete JSON"])


def write(path: Path, content: Any) -> None:
    """Write a record, or plain types, as JSON where no folder need be yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content.as_json() if isinstance(content, Record) else content))
