"""What a run holds: its result as metrics, params, tags, a note, a dataset and artifacts.

Nothing here talks to a store.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS
from omegaconf import DictConfig, OmegaConf

from pitfalls.config.schema import AXES, Cell, plain
from pitfalls.tracking import pictures as figures
from pitfalls.tracking.store import NOTE, PARENT_RUN
from pitfalls.tracking.views import EFFECT_COLOURS

NOT_PARAMS = ("tracking", "dry_run", "retrain", "seed")
"""Keys of a configuration that say how a run was started, or that its cell says."""

PROBE_TABLE = "probe.json"
PROBE_COLUMNS = ("yield", "inputs", "label", "mean_of_inputs", "fits")
GUARD_TABLE = "guard.json"
GUARD_COLUMNS = ("rule", "array", "message", "fix")


def tags_of(config: DictConfig, cell: Cell) -> dict[str, str]:
    """Return the tags that a run is found by."""
    tags = {
        "runtime": cell.runtime,
        "generator": cell.generator,
        "model": cell.model,
        "seed": str(cell.seed),
        "sweep": config.sweep,
        "launch": config.tracking.launch,
        PARENT_RUN: config.tracking.parent_run_id,
        "listing": f"listing {config.listing}" if config.listing else "",
        "mlflow.source.name": "src/train.py",
    }
    return {key: value for key, value in tags.items() if value}


def metrics_of(result: dict[str, Any], verdict: dict[str, Any]) -> list[Metric]:
    """Return the loss of each epoch, every measure and the claim."""
    now = int(time.time() * 1000)
    single = {
        "final_loss": result["final_loss"],
        "standard_error": result["standard_error"],
        "claimed_loss": verdict["claim"]["loss"],
        "tolerance": verdict["claim"]["tolerance"],
        "broken_batches": result["broken_batches"],
        "broken_rows": result["broken_rows"],
        "repeated_batches": result["repeated_batches"],
        "rewritten_batches": result["rewritten_batches"],
        "prediction_for_73_57": (result["prediction"] or {}).get("value"),
        **{f"seconds_{name}": value for name, value in result["seconds"].items()},
    }
    epochs = [Metric("loss", value, now, epoch + 1) for epoch, value in enumerate(result["loss"])]
    return epochs + [Metric(name, value, now, 0) for name, value in single.items() if value is not None]


def params_of(config: DictConfig, result: dict[str, Any]) -> list[Param]:
    """Return the cell, the resolved configuration, flat, and every shape."""
    cell = {axis: result["cell"][axis] for axis in AXES}
    told = {key: value for key, value in plain(config).items() if key not in NOT_PARAMS}
    return [
        Param(name, str(value)[:6000])
        for name, value in [*cell.items(), *flat("", told), *flat("shapes.", result["shapes"])]
    ]


def flat(prefix: str, tree: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dicts under dotted names."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def verdict_tags(result: dict[str, Any], verdict: dict[str, Any]) -> list[RunTag]:
    """Return what verification and the guard say of a run, as tags and as the note on its page."""
    tags = {
        "effect": verdict["effect"],
        "verdict": verdict["verdict"],
        "mlflow.runColor": EFFECT_COLOURS[verdict["effect"]],
        NOTE: note(result, verdict),
    }
    tables = [PROBE_TABLE]
    if verdict["guard"] is not None:
        tables.append(GUARD_TABLE)
        tags["guard"] = fired(verdict)
    tags[MLFLOW_LOGGED_ARTIFACTS] = json.dumps([{"path": path, "type": "table"} for path in tables])
    return [RunTag(key, value) for key, value in tags.items()]


def fired(verdict: dict[str, Any]) -> str:
    """Name the rules of the guard that fired."""
    return ", ".join(verdict["guard"]["fired"]) or "silent"


def guard_table(findings: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the guard found as a table, a row for each finding."""
    return table(GUARD_COLUMNS, [[one[key] for key in GUARD_COLUMNS] for one in findings])


def note(result: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Say in two sentences what happened and why, in Markdown."""
    claim = verdict["claim"]
    happened = {
        "clean": "There is no bug here",
        "bites": "The bug **bites**",
        "masked": "The bug is there, and **masked**",
        "repaired": "The bug is there, and the framework **repairs** it",
    }[verdict["effect"]]
    text = (
        f"{happened}: the loss ends at **{result['final_loss']:.4g}**, and the closed form "
        f"`{claim['formula']}` says {claim['loss']:.4g} ± {claim['tolerance']:.2g} "
        f"(verdict: **{verdict['verdict']}**). "
        f"Why: {claim['reason']}"
    )
    if verdict["guard"] is not None:
        text += f"\n\nThe guard, before any training: **{fired(verdict)}**."
    failed = "".join(f"\n- {reason}" for reason in verdict["reasons"])
    return text + (f"\n\nWhat did not hold:{failed}" if failed else "")


def dataset_of(result: dict[str, Any], probed: dict[str, Any]) -> DatasetInput:
    """Return the generator's first batches as a dataset that shows the shapes the model was given."""
    shapes = result["shapes"]
    rows = shapes["inputs"][0]
    dataset = mlflow.data.from_numpy(  # type: ignore[attr-defined]  # MLflow adds it at import
        np.array(probed["yields"][0]).reshape(rows, 2),
        targets=np.array(probed["labels"][0]).reshape(shapes["labels"]),
        name=f"{result['cell']['generator']} inputs {shapes['inputs']} labels {shapes['labels']}",
    )
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])


def probe_table(probed: dict[str, Any]) -> dict[str, Any]:
    """Return the probe's two yields as a table, a row for each row of a batch."""
    rows = []
    for ordinal, inputs, labels in zip(("first", "second"), probed["yields"], probed["labels"], strict=True):
        for row, label in zip(inputs, np.ravel(labels).tolist(), strict=True):
            mean = sum(row) / len(row)
            rows.append([ordinal, str(row), label, mean, mean == label])
    return table(PROBE_COLUMNS, rows)


def table(columns: tuple[str, ...], rows: list[list[Any]]) -> dict[str, Any]:
    """Return a table in the form that MLflow shows."""
    return {"columns": columns, "data": rows}


def write_artifacts(
    folder: Path,
    config: DictConfig,
    result: dict[str, Any],
    verdict: dict[str, Any],
    probed: dict[str, Any],
    model: Any,
) -> None:
    """Write a run's artifacts into a folder; pictures and the model where they say something.

    A fixed Lambda learns nothing: only the article's runs draw it. The champion is a Dense.
    """
    OmegaConf.save(OmegaConf.create(plain(config)), folder / "config.yaml")
    (folder / PROBE_TABLE).write_text(json.dumps(probe_table(probed)))
    if not (result["mechanism"]["trainable_parameters"] or config.sweep == "article"):
        return
    figures.loss_curve(result, verdict).savefig(folder / "loss.png")
    figures.predictions(result).savefig(folder / "predictions.png")
    model.save(folder / "model.keras")
