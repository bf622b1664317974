"""Tracking: a result becomes an MLflow run that explains itself. The only importer of mlflow.

Everything goes through `MlflowClient` with explicit run ids, so that nothing depends on
an active run or on an id that the environment left behind. Metrics, params and tags of
a run are one batch. A sweep's runs hang under one parent for each runtime, which is found
again by its tags; a job that dies leaves a FAILED run with its error.
"""

import logging
import os
import sqlite3
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags
from omegaconf import DictConfig, OmegaConf

from pitfalls import figures
from pitfalls.config import Cell, Tracking, plain
from pitfalls.errors import TrackingError

PARENT_RUN = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
NAME = "mlflow.runName"

DESCRIPTIONS = {
    "article": "The listings of the 2019 article that train, at the article's own settings. "
    "Look at *listing 1*: its loss ends at 416.6, what a model pays that answers 49.5 for everything.",
    "matrix": "Every runtime x generator x model at every seed, one parent a runtime. "
    "Group by the tag `effect`; compare two runs that differ in `generator` alone.",
    "manual": "What was started by hand with `python src/train.py`. The tag `sweep` tells sweeps apart.",
}


def client_for(tracking: Tracking | DictConfig) -> mlflow.MlflowClient:
    """Return a client of the configured store, which exists when this returns.

    Raises:
        TrackingError: The store cannot be opened.
    """
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if tracking.uri.startswith("sqlite:///"):
        refuse_damaged(Path(tracking.uri.removeprefix("sqlite:///")))
    with tracking_errors(tracking.uri):
        client = mlflow.MlflowClient(tracking_uri=tracking.uri)
        for name, description in DESCRIPTIONS.items():
            ensure_experiment(client, name, description, tracking.artifacts)
    return client


def refuse_damaged(database: Path) -> None:
    """Refuse a file that is no SQLite database, on which MLflow would retry for minutes.

    Raises:
        TrackingError: Names the file.
    """
    try:
        with sqlite3.connect(database) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        raise TrackingError(
            f"{database} cannot be used: {error}.\n"
            f"Nothing was trained. Move it away (mv {database.name} {database.name}.damaged) to start a new one, "
            "or run with tracking=off."
        ) from error


def ensure_experiment(client: mlflow.MlflowClient, name: str, description: str, artifacts: str) -> None:
    """Create an experiment with its description, if it is not there."""
    if client.get_experiment_by_name(name) is None:
        location = f"{artifacts}/{name}" if artifacts else None
        client.create_experiment(name, artifact_location=location, tags={NOTE: description})


@contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow and the libraries below it raise into a message.

    Raises:
        TrackingError: In place of an error of MLflow, of the database or of the network.
    """
    try:
        yield
    except (MlflowException, OSError) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise TrackingError(
            f"the tracking store {uri} does not answer: {first_line[:200]}\n"
            "Results in runs/ are kept. Start the store again, name another with tracking.uri=..., "
            "or run with tracking=off."
        ) from error


def experiment_of(client: mlflow.MlflowClient, sweep: str) -> str:
    """Return the id of the experiment that holds a sweep's runs."""
    found = client.get_experiment_by_name(sweep if sweep in DESCRIPTIONS else "manual")
    assert found is not None, "client_for creates every experiment"
    return found.experiment_id


# --- one run ---------------------------------------------------------------------------------------


class TrackedRun:
    """One run in MLflow: opened when the training starts, filled when it is over."""

    def __init__(self, config: DictConfig, cell: Cell) -> None:
        """Open the run.

        Raises:
            TrackingError: The store cannot be opened.
        """
        self._uri = config.tracking.uri
        self._config = config
        self._client = client_for(config.tracking)
        with tracking_errors(self._uri):
            self.run_id = create_run(self._client, config, str(cell), tags_of(config, cell))

    def log(
        self, result: dict[str, Any], verdict: dict[str, Any], probed: dict[str, Any], model: Any
    ) -> None:
        """Log all that a finished run measured.

        Args:
            result: Its measurements.
            verdict: What verification says of them.
            probed: Two yields of its generator, held together.
            model: The trained Keras model.

        Raises:
            TrackingError: The store does not answer.
        """
        with tracking_errors(self._uri), tempfile.TemporaryDirectory() as folder:
            self._client.log_batch(
                self.run_id,
                metrics=metrics_of(result, verdict),
                params=params_of(self._config, result),
                tags=verdict_tags(result, verdict),
            )
            self._client.log_inputs(self.run_id, datasets=[dataset_of(result, probed)])
            self._client.log_table(self.run_id, probe_table(probed), "probe.json")
            write_artifacts(Path(folder), self._config, result, verdict, model)
            self._client.log_artifacts(self.run_id, folder)

    def end(self, status: str, error: BaseException | None = None) -> None:
        """End the run, with its error if there was one."""
        with tracking_errors(self._uri):
            if error is not None:
                text = f"{type(error).__name__}: {error}"
                self._client.set_tag(self.run_id, "error", text[:5000])
                self._client.set_tag(self.run_id, NOTE, f"**Failed.** {text[:2000]}")
            self._client.set_terminated(self.run_id, status)


class Untracked:
    """What stands for a tracked run under `tracking=off`."""

    run_id = None

    def log(self, *measured: Any) -> None:
        """Log nothing."""


@contextmanager
def tracked_run(config: DictConfig, cell: Cell) -> Iterator[TrackedRun | Untracked]:
    """Track what happens inside as one run; an error inside ends it FAILED and goes on.

    Under `mlflow run` the project's own run says which run holds the training.

    Raises:
        TrackingError: The store cannot be opened, or does not answer at the end.
    """
    if not config.tracking.enabled:
        yield Untracked()
        return
    run = TrackedRun(config, cell)
    link_project_run(config.tracking.uri, run.run_id)
    try:
        yield run
    except BaseException as error:
        run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", error)
        raise
    run.end("FINISHED")


def create_run(client: mlflow.MlflowClient, config: DictConfig, name: str, tags: dict[str, str]) -> str:
    """Create a run in its sweep's experiment and return its id."""
    experiment = experiment_of(client, config.sweep)
    run = client.create_run(experiment, tags=resolve_tags(tags), run_name=name)
    return run.info.run_id


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
    """Return the resolved configuration, flat, and every shape."""
    told = {
        key: value for key, value in plain(config).items() if key not in ("tracking", "dry_run", "retrain")
    }
    return [
        Param(name, str(value)[:6000])
        for name, value in [*flat("", told), *flat("shapes.", result["shapes"])]
    ]


def flat(prefix: str, tree: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dicts under dotted names."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value


def verdict_tags(result: dict[str, Any], verdict: dict[str, Any]) -> list[RunTag]:
    """Return what verification says of a run, as tags and as the note on its page."""
    return [
        RunTag("effect", verdict["effect"]),
        RunTag("verdict", verdict["verdict"]),
        RunTag(NOTE, note(result, verdict)),
    ]


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


def probe_table(probed: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the probe's two yields as a table, a row for each row of a batch."""
    table: dict[str, list[Any]] = {"yield": [], "inputs": [], "label": [], "mean_of_inputs": [], "fits": []}
    for ordinal, inputs, labels in zip(("first", "second"), probed["yields"], probed["labels"], strict=True):
        for row, label in zip(inputs, np.ravel(labels).tolist(), strict=True):
            mean = sum(row) / len(row)
            for column, value in zip(table, (ordinal, str(row), label, mean, mean == label), strict=True):
                table[column].append(value)
    return table


def write_artifacts(
    folder: Path, config: DictConfig, result: dict[str, Any], verdict: dict[str, Any], model: Any
) -> None:
    """Write a run's artifacts into a folder; pictures and the model where they say something.

    A fixed Lambda learns nothing: only the article's runs draw it. The champion is a Dense.
    """
    OmegaConf.save(OmegaConf.create(plain(config)), folder / "config.yaml")
    if not (result["mechanism"]["trainable_parameters"] or config.sweep == "article"):
        return
    figures.loss_curve(result, verdict).savefig(folder / "loss.png")
    figures.predictions(result).savefig(folder / "predictions.png")
    model.save(folder / "model.keras")


# --- a sweep ---------------------------------------------------------------------------------------


@contextmanager
def tracked_sweep(jobs: list[tuple[DictConfig, Cell]]) -> Iterator[list[list[str]]]:
    """Open a parent for each runtime of a sweep, and close it by what became of its runs.

    Args:
        jobs: Configuration and cell of each run that will be launched.

    Yields:
        For each job the overrides that hang its run under its parent.

    Raises:
        TrackingError: The store cannot be opened.
    """
    if not jobs[0][0].tracking.enabled:
        yield [[] for _ in jobs]
        return
    tracking = jobs[0][0].tracking
    client = client_for(tracking)
    launch = uuid.uuid4().hex
    with tracking_errors(tracking.uri):
        parents = {cell.runtime: parent_run(client, config, cell.runtime) for config, cell in jobs}
    try:
        yield [
            [f"tracking.parent_run_id={parents[cell.runtime]}", f"tracking.launch={launch}"]
            for _, cell in jobs
        ]
    finally:
        with tracking_errors(tracking.uri):
            close_sweep(client, jobs, parents, launch)


def parent_run(client: mlflow.MlflowClient, config: DictConfig, runtime: str) -> str:
    """Return the parent run of a sweep and runtime: the one that is there, or a new one."""
    experiment = experiment_of(client, config.sweep)
    found = client.search_runs(
        [experiment],
        f"tags.role = 'parent' and tags.sweep = '{config.sweep}' and tags.runtime = '{runtime}'",
        max_results=1,
    )
    if found:
        client.update_run(found[0].info.run_id, status="RUNNING")
        return found[0].info.run_id
    tags = {"role": "parent", "sweep": config.sweep, "runtime": runtime, "mlflow.source.name": "src/train.py"}
    return create_run(client, config, f"{config.sweep} / {runtime}", tags)


def close_sweep(
    client: mlflow.MlflowClient, jobs: list[tuple[DictConfig, Cell]], parents: dict[str, str], launch: str
) -> None:
    """End every run of a launch, also those whose job died, and then their parents."""
    experiment = experiment_of(client, jobs[0][0].sweep)
    runs = client.search_runs([experiment], f"tags.launch = '{launch}'", max_results=50_000)
    left = Counter(run.data.tags[NAME] for run in runs)
    failed = {run.data.tags[PARENT_RUN] for run in runs if run.info.status != "FINISHED"}
    for run in runs:
        if not RunStatus.is_terminated(RunStatus.from_string(run.info.status)):
            fail(client, run.info.run_id, "its process died without a word: killed, or out of memory")
    for config, cell in jobs:
        if left[str(cell)]:
            left[str(cell)] -= 1
            continue
        tags = tags_of(config, cell) | {PARENT_RUN: parents[cell.runtime], "launch": launch}
        fail(client, create_run(client, config, str(cell), tags), "its process died before the run began")
        failed.add(parents[cell.runtime])
    for parent in parents.values():
        client.set_terminated(parent, "FAILED" if parent in failed else "FINISHED")


def fail(client: mlflow.MlflowClient, run_id: str, why: str) -> None:
    """End a run as FAILED and say why."""
    client.set_tag(run_id, "error", why)
    client.set_tag(run_id, NOTE, f"**Failed:** {why}.")
    client.set_terminated(run_id, "FAILED")


def retag(tracking: DictConfig, judged: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Put new verdicts on the runs of results that were tracked.

    Args:
        tracking: Where they are tracked.
        judged: Result and verdict of each run.

    Raises:
        TrackingError: The store cannot be opened.
    """
    client = client_for(tracking)
    for result, verdict in judged:
        try:
            client.log_batch(result["mlflow_run_id"], tags=verdict_tags(result, verdict))
        except MlflowException:
            continue  # The run was deleted in MLflow, or the store is a newer one: nothing is there to tag.


def link_project_run(uri: str, run_id: str) -> None:
    """Under `mlflow run`, say on the project's own run which run holds the training."""
    project_run = os.environ.get("MLFLOW_RUN_ID")
    if project_run:
        with tracking_errors(uri):
            client = mlflow.MlflowClient(tracking_uri=uri)
            client.set_tag(project_run, NOTE, f"The training is tracked as run `{run_id}`.")
