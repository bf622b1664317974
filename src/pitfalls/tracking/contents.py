"""What a run holds: its result as metrics, params, tags, a note, a dataset and artifacts.

Nothing here talks to a store.
"""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag

from pitfalls.config.schema import Config
from pitfalls.project import PAIR, SeededCell
from pitfalls.results import Fired, Probe, Result, Verdict
from pitfalls.runs.folder import CONFIG, Kept, place_below_project
from pitfalls.tracking import pictures, private
from pitfalls.tracking.store import NOTE, PARENT_RUN
from pitfalls.verdicts.effects import EFFECTS
from pitfalls.verdicts.guard import GuardFinding
from pitfalls.verdicts.words import loss_text, number

NOT_PARAMS = ("tracking", "dry_run", "retrain", "not_installed", "seed", "fingerprint")
"""Keys of a configuration that say how a run was started, or that its cell says."""

PROBE_TABLE = "probe.json"
PROBE_COLUMNS = ("yield", "inputs", "label", "mean_of_inputs", "fits")
GUARD_TABLE = "guard.json"
GUARD_COLUMNS = ("rule", "array", "message", "fix")


def tags_of(config: Config, run: SeededCell, folder: Path) -> dict[str, str]:
    """Return the tags that a run is found by; `folder` is that of its result."""
    tags = {
        **run.options,
        "seed": str(run.seed),
        "sweep": config.sweep,
        "folder": place_below_project(folder),
        "launch": config.tracking.launch,
        PARENT_RUN: config.tracking.parent_run_id,
        "listing": f"listing {config.listing}" if config.listing else "",
        "mlflow.source.name": "src/train.py",
    }
    return {key: value for key, value in tags.items() if value}


def metrics_of(result: Result, verdict: Verdict, time_ms: int) -> list[Metric]:
    """Return the loss of each epoch, every measure and the claim; sent again at the same time, they are there once."""
    single = {
        "final_loss": result.final_loss,
        "standard_error": result.standard_error,
        "claimed_loss": verdict.claim and verdict.claim.loss,
        "tolerance": verdict.claim and verdict.claim.tolerance,
        "broken_batches": result.broken_batches,
        "broken_rows": result.broken_rows,
        "repeated_batches": result.repeated_batches,
        "rewritten_batches": result.rewritten_batches,
        "prediction_for_{}_{}".format(*PAIR): result.prediction and result.prediction.value,
        **{f"seconds_{name}": value for name, value in result.seconds},
    }
    epochs = [Metric("loss", value, time_ms, epoch + 1) for epoch, value in enumerate(result.loss)]
    return epochs + [Metric(name, value, time_ms, 0) for name, value in single.items() if value is not None]


def plain(config: Config) -> dict[str, Any]:
    """Return a configuration as nested dicts, without what says how a run was started or what its cell says."""
    return {key: value for key, value in dataclasses.asdict(config).items() if key not in NOT_PARAMS}


def params_of(config: Config, result: Result) -> list[Param]:
    """Return the cell, the resolved configuration, flat, every shape, and what the framework warned of."""
    shapes = [(f"shapes.{name}", list(shape)) for name, shape in result.shapes]
    warned = [("warnings", "\n".join(result.warnings))] if result.warnings else []
    return [
        Param(name, str(value)[:6000])
        for name, value in [*result.cell.options.items(), *flat("", plain(config)), *shapes, *warned]
    ]


def flat(prefix: str, tree: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dicts under dotted names."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def verdict_tags(result: Result, verdict: Verdict) -> list[RunTag]:
    """Return what verification and the guard say of a run, as tags and as the note on its page."""
    tags = {
        "effect": verdict.effect,
        "verdict": verdict.verdict,
        "mlflow.runColor": EFFECTS[verdict.effect].colour,
        NOTE: note(result, verdict),
    }
    tables = [PROBE_TABLE]
    if verdict.guard is not None:
        tables.append(GUARD_TABLE)
        tags["guard"] = fired(verdict.guard)
    tags[private.LOGGED_ARTIFACTS] = json.dumps([{"path": path, "type": "table"} for path in tables])
    return [RunTag(key, value) for key, value in tags.items()]


def fired(guard: Fired) -> str:
    """Name the rules of the guard that fired."""
    return ", ".join(guard.fired) or "silent"


def note(result: Result, verdict: Verdict) -> str:
    """Say in two sentences what happened and why, in Markdown."""
    text = f"{EFFECTS[verdict.effect].happened}: the loss ends at **{number(result.final_loss)}**, and {claimed(verdict)}"
    if verdict.guard is not None:
        text += f"\n\nThe guard, before any training: **{fired(verdict.guard)}**."
    failed = "".join(f"\n- {reason}" for reason in verdict.reasons if verdict.claim)
    return text + (f"\n\nWhat did not hold:{failed}" if failed else "")


def claimed(verdict: Verdict) -> str:
    """Say what was claimed of a run and why, or why nothing was."""
    claim = verdict.claim
    if claim is None:
        return f"{'; '.join(verdict.reasons)} (verdict: **{verdict.verdict}**)."
    return (
        f"the closed form `{claim.formula}` says {loss_text(claim)} "
        f"(verdict: **{verdict.verdict}**). Why: {claim.reason}"
    )


def dataset_of(result: Result, probe: Probe) -> DatasetInput:
    """Return the generator's first batches as a dataset that shows the shapes the model was given."""
    inputs, labels = result.shapes.inputs, result.shapes.labels
    dataset = mlflow.data.from_numpy(  # type: ignore[attr-defined]  # MLflow adds it at import
        np.array(probe.yields[0]).reshape(-1, 2),  # one row, where samples are yielded
        targets=np.array(probe.labels[0]).reshape(-1, *labels[1:]),
        name=f"{result.cell.generator} inputs {list(inputs)} labels {list(labels)}",
    )
    return DatasetInput(private.entity_of(dataset), [InputTag("mlflow.data.context", "training")])


def table(columns: tuple[str, ...], rows: list[list[Any]]) -> dict[str, Any]:
    """Return a table in the form that MLflow shows."""
    return {"columns": columns, "data": rows}


def guard_table(findings: list[GuardFinding]) -> dict[str, Any]:
    """Return what the guard found as a table, a row for each finding."""
    return table(GUARD_COLUMNS, [[getattr(finding, key) for key in GUARD_COLUMNS] for finding in findings])


def probe_table(probe: Probe) -> dict[str, Any]:
    """Return the probe's two yields as a table, a row for each row of a batch."""
    rows = []
    for ordinal, inputs, labels in zip(("first", "second"), probe.yields, probe.labels, strict=True):
        for row, label in zip(inputs, np.ravel(labels).tolist(), strict=True):
            mean = sum(row) / len(row)
            rows.append([ordinal, str(row), label, mean, mean == label])
    return table(PROBE_COLUMNS, rows)


def write_artifacts(folder: Path, kept: Kept) -> None:
    """Write a run's artifacts into a folder; pictures and the model where they say something."""
    shutil.copy(kept.folder / CONFIG, folder)
    (folder / PROBE_TABLE).write_text(json.dumps(probe_table(kept.probe)))
    if kept.keeps_model:
        pictures.loss_curve(kept.result, kept.verdict.claim).savefig(folder / "loss.png")
        pictures.predictions(kept.result).savefig(folder / "predictions.png")
    if kept.model:
        shutil.copy(kept.model, folder)
