"""Measurements: what is read of a session when its training is over."""

import os
import platform
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.config.frameworks import versions_of
from pitfalls.config.schema import Config, learning_rate_steps
from pitfalls.errors import DivergedError
from pitfalls.lab.frameworks import Session
from pitfalls.lab.recorder import window_of
from pitfalls.project import ARRAYS, PAIR, PAIR_MEAN, ROOT, SeededCell
from pitfalls.results import (
    Answers,
    Mechanism,
    Offsets,
    Origin,
    Prediction,
    Result,
    Seconds,
    Shapes,
    Task,
    Training,
)

PARTS = 30
"""A race's share is told for so many parts of a training, as it may settle late (docs/decisions/0006)."""

GRID_POINTS = 6
"""Each of the two inputs takes this many values in the grid of answers."""

OUTPUTS = (":!reports", ":!dvc.lock")
"""What the pipeline itself writes: a commit with these changed is still the code that trained."""


CODE = ("src/", "conf/")
"""Where a file that Git does not know may have trained."""


def measured(config: Config, run: SeededCell, session: Session) -> Result:
    """Return what a finished session measured; times and addresses are the caller's to add.

    Raises:
        DivergedError: The loss is no number any more.
    """
    training, history = config.training, session.recorder.history()
    refuse_diverged(history[:, 0], training.learning_rate)
    window_steps = min(training.window_steps, max(1, len(history) // 2))  # the beginning is never judged
    window = window_of(history, window_steps)
    return Result(
        cell=run,
        listing=config.listing,
        task=Task(high=config.task.high, batch_size=config.task.batch_size),
        framework=config.framework,
        load=config.load,
        mechanism=mechanism_of(config, session),
        training=training_of(config),
        loss=by_epoch(history[:, 0], training.steps_per_epoch),
        final_loss=window.loss,
        standard_error=window.standard_error,
        window_steps=window_steps,
        broken_batches=window.broken_batches,
        broken_rows=window.broken_rows,
        broken_rows_over_time=over_time(history[:, 1]),
        repeated_batches=window.repeated_batches,
        rewritten_batches=session.recorder.rewritten_share(window_steps),
        shapes=shapes(session),
        prediction=example_prediction(session, config.task.high),
        answers=answers(session, config.task.high),
        versions={"python": platform.python_version(), **versions_of(config.framework)},
        buffer_address_mod_64=Offsets(inputs=None, labels=None),
        seconds=Seconds(total=0, training=0, per_step=0),
        origin=origin(),
        fingerprint=config.fingerprint,
    )


def refuse_diverged(loss_s: np.ndarray, learning_rate: Any) -> None:
    """Refuse a training whose loss is no number any more: there is nothing to judge.

    Raises:
        DivergedError: Names the step and the rate.
    """
    wrong = np.flatnonzero(~np.isfinite(loss_s))
    if wrong.size:
        raise DivergedError(
            f"the loss is {loss_s[wrong[0]]} from step {wrong[0]} on, at training.learning_rate={learning_rate}.\n"
            "Nothing was written. Give a smaller rate: 0.1 and below train well here."
        )


def mechanism_of(config: Config, session: Session) -> Mechanism:
    """Return how batches reached the model and its loss."""
    return Mechanism(
        feed=config.feed.kind,
        yields=config.generator.get("yields", ARRAYS),
        threaded=config.feed.has_thread,
        hand_over=config.feed.hand_over or "as_it_is",
        waits=config.feed.waits or "nothing",
        labels=config.labels,
        loss=config.loss.kind,
        trainable_parameters=session.trainable_parameters,
    )


def training_of(config: Config) -> Training:
    """Return how long and how fast it was trained."""
    training = config.training
    return Training(
        optimizer="torch_rmsprop" if config.model.library == "torch" else "rmsprop",
        learning_rate=learning_rate_steps(training.learning_rate),
        epochs=training.epochs,
        steps_per_epoch=training.steps_per_epoch,
        steps_per_execution=training.steps_per_execution,
    )


def shapes(session: Session) -> Shapes:
    """Return every shape of the last batch that the model was given, declared and real."""
    inputs, labels = session.recorder.last_batch()
    prediction = session.predict(inputs)
    return Shapes(
        inputs=inputs.shape,
        labels=labels.shape,
        declared_output=session.declared_output,
        prediction=prediction.shape,
        loss_difference_before_repair=np.broadcast_shapes(labels.shape, prediction.shape),
        loss_difference=session.difference_shape(labels, prediction),
    )


def example_prediction(session: Session, high: int) -> Prediction | None:
    """Return what the model answers for the article's pair, or None where it is never drawn."""
    if high <= max(PAIR):
        return None
    answer = session.predict(np.array([PAIR], dtype=np.float64))
    return Prediction(inputs=PAIR, label=PAIR_MEAN, value=float(answer.reshape(-1)[0]))


def answers(session: Session, high: int) -> Answers:
    """Return what the model answers for a grid of pairs over the whole range, row by row."""
    points = np.linspace(0, high - 1, GRID_POINTS)
    inputs_n2 = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    return Answers(
        inputs=[(float(first), float(second)) for first, second in inputs_n2],
        values=np.ravel(session.predict(inputs_n2)).astype(float).tolist(),
    )


def by_epoch(value_s: np.ndarray, steps_per_epoch: int) -> list[float]:
    """Return the mean of each epoch's steps."""
    means: list[float] = value_s.reshape(-1, steps_per_epoch).mean(axis=1).tolist()
    return means


def over_time(value_s: np.ndarray) -> list[float]:
    """Return the mean of each of `PARTS` parts of a training, of each step in a shorter one."""
    return [float(part.mean()) for part in np.array_split(value_s, min(PARTS, value_s.size))]


@lru_cache
def origin() -> Origin:
    """Return the machine and the commit that this process trains on."""
    return Origin(
        processor=processor(),
        cores=os.cpu_count() or 1,
        system=platform.system(),
        commit=commit(ROOT),
    )


def commit(root: Path) -> str:
    """Return the commit that is checked out, with changes if something else than outputs differs."""
    try:
        name = git(root, "rev-parse", "--short", "HEAD").strip()
        changes = git(root, "status", "--porcelain", "--", ".", *OUTPUTS).splitlines()
    except (OSError, subprocess.CalledProcessError):
        return "not in a git repository"
    is_changed = any(not line.startswith("??") or line[3:].startswith(CODE) for line in changes)
    return f"{name}, with changes" if is_changed else name


def git(root: Path, *arguments: str) -> str:
    """Return what a git command prints."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
