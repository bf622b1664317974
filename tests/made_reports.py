"""Runs and reports for tests of the page, made from the verdicts that git holds.

runs/ is not in git, so results are made up around the verdicts: each seed ends at the
cell's measured loss. Nothing is trained.
"""

import copy
import itertools
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

FEEDS = {"keras2": "full_queue", "keras3": "fit", "keras3_workers": "workers", "custom_loop": "thread_queue"}

OFFSETS = {
    "reused_inputs": {"inputs": 16, "labels": None},
    "reused_inputs_aligned": {"inputs": 0, "labels": None},
    "reused_pair": {"inputs": 16, "labels": 16},
}

COUNTED = {
    "runtime": FEEDS,
    "generator": {*OFFSETS, "fresh_arrays", "copied_inputs", "flat_labels"},
    "model": {"dense", "mean_lambda", "flat_mean_lambda"},
}
"""The options whose 72 cells the tests count; what a later release adds is left out of the made reports."""


def committed_verdicts() -> dict[str, Any]:
    """Return the verdicts of the last release, of the options that the tests count."""
    verdicts = json.loads((ROOT / "reports" / "verdicts.json").read_text())
    verdicts["cells"] = [
        entry
        for entry in verdicts["cells"]
        if all(entry["cell"][axis] in known for axis, known in COUNTED.items())
    ]
    return verdicts


def make(
    folder: Path, verdicts: dict[str, Any], lottery: bool = True, guard: dict[str, Any] | None = None
) -> tuple[Path, Path]:
    """Write verdicts.json, a result for each seed of each cell, and guard.json if there is one.

    Returns:
        The folders of runs and of reports.
    """
    runs, reports = folder / "runs", folder / "reports"
    write(reports / "verdicts.json", verdicts)
    if guard is not None:
        write(reports / "guard.json", guard)
    for entry in verdicts["cells"]:
        for seed in entry["seeds"]:
            cell = entry["cell"] | {"seed": seed}
            place = "/".join([*entry["cell"].values(), f"seed-{seed}"])
            write(runs / "matrix" / place / "result.json", result(cell, entry))
    if lottery:
        cell = {"runtime": "keras3", "generator": "reused_inputs", "model": "mean_lambda", "seed": 0}
        for offset in range(0, 64, 4):
            bitten = {"measured": 0.0 if offset else 690.0, "broken_rows": 0.0 if offset else 0.83}
            made = result(cell, bitten) | {"buffer_address_mod_64": {"inputs": offset, "labels": None}}
            write(runs / "alignment" / f"@generator.inputs_offset_bytes={offset}" / "result.json", made)
    return runs, reports


def result(cell: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return a result that a run of this cell could have measured."""
    label = [64] if cell["generator"] == "flat_labels" else [64, 1]
    prediction = [64] if cell["model"] == "flat_mean_lambda" else [64, 1]
    is_repaired = cell["runtime"].startswith("keras3") or label == prediction
    trains = cell["model"] == "dense"
    final = entry["measured"]
    return {
        "schema": 1,
        "cell": cell,
        "listing": None,
        "task": {"high": 100, "batch_size": 64},
        "mechanism": {
            "feed": FEEDS[cell["runtime"]],
            "threaded": False,
            "labels": "expanded" if cell["runtime"] == "keras2" else "as_they_come",
            "loss": "aligned" if cell["runtime"].startswith("keras3") else "unaligned",
            "trainable_parameters": 3 if trains else 0,
        },
        "training": {
            "optimizer": "rmsprop",
            "learning_rate": [[0, 0.1]],
            "epochs": 6,
            "steps_per_epoch": 100,
        },
        "loss": [final + 500 * 0.1**epoch if trains else final for epoch in range(30 if trains else 6)],
        "final_loss": final,
        "standard_error": 1.0,
        "window_steps": 300,
        "broken_rows": entry["broken_rows"],
        "broken_rows_over_time": [entry["broken_rows"]] * 30,
        "repeated_batches": 0.0,
        "shapes": {
            "inputs": [64, 2],
            "labels": label,
            "declared_output": [None, 1],
            "prediction": prediction,
            "loss_difference_before_repair": label if label == prediction else [64, 64],
            "loss_difference": prediction if is_repaired else [64, 64],
        },
        "prediction": {"inputs": [73, 57], "label": 65.0, "value": 49.6 if trains and final > 1 else 65.0},
        "answers": answers(trains and final > 1, cell["seed"]),
        "versions": {"python": "3.11.7", "numpy": "2.4.6", "tensorflow-cpu": "2.21.0", "keras": "3.15.1"},
        "buffer_address_mod_64": OFFSETS.get(cell["generator"], {"inputs": None, "labels": None}),
        "seconds": {"total": 3.0, "training": 2.0, "per_step": 0.001},
        "fingerprint": "0" * 16,
        "mlflow_run_id": None,
    }


def answers(knows_nothing: bool, seed: int) -> dict[str, Any]:
    """Return answers to a grid of pairs: the truth, or about 49.5 for everything."""
    points = [19.8 * step for step in range(6)]
    inputs = [[first, second] for second, first in itertools.product(points, points)]
    return {
        "inputs": inputs,
        "values": [49.5 + seed if knows_nothing else (first + second) / 2 for first, second in inputs],
    }


ALIASED = {
    "rule": "aliased-batch",
    "array": "inputs",
    "batch": 0,
    "message": "AliasedBatchError: batch 0 changed <after> it was yielded.",
    "fix": "Allocate the array inside the loop.",
}
BROADCAST = {
    "rule": "broadcast-loss",
    "array": "labels",
    "batch": 0,
    "message": "BroadcastLossError: this loss would subtract every label from every prediction.",
    "fix": "Give the labels a last axis.",
}


def with_guard(verdicts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the verdicts with what the guard fired, and the content of guard.json.

    Reused buffers are found on the generator, and labels and predictions of two ranks on the model.
    """
    guarded = copy.deepcopy(verdicts)
    generators: dict[str, Any] = {}
    models = []
    for entry in guarded["cells"]:
        cell = entry["cell"]
        aliased = [ALIASED] if cell["generator"] in OFFSETS else []
        is_broadcast = (cell["generator"] == "flat_labels") != (cell["model"] == "flat_mean_lambda")
        broadcast = [BROADCAST] if is_broadcast else []
        fired = [finding["rule"] for finding in aliased + broadcast]
        entry["guard"] = {"fired": fired, "expected": True}
        generators[cell["generator"]] = {"generator": cell["generator"], **reported(aliased)}
        models.append(cell | reported(broadcast))
    return guarded, {"schema": 1, "generators": list(generators.values()), "models": models}


def reported(findings: list[dict[str, Any]]) -> dict[str, Any]:
    """Return findings with the status that the guard gives them."""
    return {"status": "findings" if findings else "clean", "findings": findings}


def with_a_failure(verdicts: dict[str, Any]) -> dict[str, Any]:
    """Return the verdicts with one cell's claim broken, and one result that cannot be read."""
    doctored = copy.deepcopy(verdicts)
    entry = doctored["cells"][0]
    entry |= {
        "verdict": "fail",
        "measured": 12.5,
        "effect": "bites",
        "reasons": ["seed 0: the loss is <12.5>"],
    }
    doctored["damaged"] = ["runs/matrix/keras3/result.json is no complete JSON"]
    return doctored


def write(path: Path, content: Any) -> None:
    """Write JSON where no folder need stand yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
