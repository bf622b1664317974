"""What stands in a run's folder: result.json, and all that its MLflow run can be made of again.

- `result.json`: what was measured; written last, so where it stands the others do
- `verdict.json`: what follows from it, derived again at any time
- `config.yaml`: what the run was told, resolved
- `probe.json`: two yields of its generator, held together
- `model.*`: what it trained, if that is kept
- `tracking.json`: where it is tracked, and as what
- `error.txt`: in place of a result: why there is none
- `cell.lock`: who trains it just now
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import yaml
from omegaconf import OmegaConf
from pydantic import Field

from pitfalls.config.schema import Config, Tracking, built
from pitfalls.errors import ConfigurationError, ResultError
from pitfalls.files import File, write_text
from pitfalls.project import ROOT
from pitfalls.results import Probe, Result, Verdict, find_results

RESULT = "result.json"
VERDICT = "verdict.json"
CONFIG = "config.yaml"
PROBE = "probe.json"
TRACKING = "tracking.json"
ERROR = "error.txt"
LOCK = "cell.lock"
NOT_RUN = "not_run.txt"
"""Stands in a runtime's folder where a sweep left its runs out: its framework is not installed."""

PROJECT = "{project}"
"""Stands for the project's folder, which may be moved."""

OWN_STORE, OWN_ARTIFACTS = f"sqlite:///{PROJECT}/mlflow.db", f"{PROJECT}/mlruns"


def runtimes_not_run(sweep: Path) -> dict[str, str]:
    """Return for each runtime of a sweep that was left out here why: its framework is not installed."""
    return {path.parent.name: path.read_text().strip() for path in sorted(sweep.glob(f"*/{NOT_RUN}"))}


class TrackedAs(File):
    """Where a result is tracked: tracking.json.

    Attributes:
        uri: The store, with `PROJECT` in place of the project's folder.
        artifacts: Where the store puts files, likewise; empty where a server decides.
        mlflow_run_id: The run, None while there is none.
        tags: The tags that it began with.
        finished_ms: When it finished, in milliseconds since 1970; metrics that are sent again have this time too.
        is_sent: Whether everything has arrived.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    uri: str
    artifacts: str = ""
    mlflow_run_id: str | None = None
    tags: dict[str, str] = {}
    finished_ms: int = 0
    is_sent: bool = True

    @classmethod
    def by(
        cls, tracking: Tracking, tags: dict[str, str], run_id: str | None, finished_ms: int
    ) -> "TrackedAs":
        """Return where a run that has just finished is to be tracked."""
        uri, artifacts = (text.replace(str(ROOT), PROJECT) for text in (tracking.uri, tracking.artifacts))
        return cls(
            uri=uri,
            artifacts=artifacts,
            mlflow_run_id=run_id,
            tags=tags,
            finished_ms=finished_ms,
            is_sent=False,
        )

    @property
    def store(self) -> Tracking:
        """The store, also when the project's folder was moved."""
        uri, artifacts = (text.replace(PROJECT, str(ROOT)) for text in (self.uri, self.artifacts))
        return Tracking(enabled=True, uri=uri, artifacts=artifacts)

    @classmethod
    def cure(cls) -> str:
        """Say how to write the file again."""
        return "Delete the file and train the cell again with retrain=true."


class Saveable(Protocol):
    """A model, as far as it is kept."""

    @property
    def artifact(self) -> str:
        """The name of its file: model.keras, model.npz."""

    def save(self, path: Path) -> None:
        """Write the model into a file."""


@dataclass(frozen=True)
class Kept:
    """A finished run, as its folder keeps it."""

    folder: Path
    config: Config
    result: Result
    verdict: Verdict
    probe: Probe

    @classmethod
    def read(cls, folder: Path) -> "Kept":
        """Read a folder.

        Raises:
            ResultError: A file is missing or damaged; names it.
        """
        return cls(
            folder,
            read_config(folder / CONFIG),
            Result.read(folder / RESULT),
            Verdict.read(folder / VERDICT),
            Probe.read(folder / PROBE),
        )

    @property
    def model(self) -> Path | None:
        """The file of the model, if it was kept."""
        return next(self.folder.glob("model.*"), None) if self.keeps_model else None

    @property
    def keeps_model(self) -> bool:
        """Whether pictures and the model say something: a fixed Lambda has nothing to learn, but the article's are shown."""
        return self.result.is_trainable or self.config.sweep == "article"

    def write_inputs(self, model: Saveable) -> None:
        """Write what a result needs beside it to be tracked.

        Args:
            model: What was trained.

        Raises:
            ConfigurationError: The folder cannot be written to.
        """
        write_text(self.folder / CONFIG, OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(self.config))))
        self.probe.write(self.folder / PROBE)
        if self.keeps_model:
            whole = self.folder / f".writing.{model.artifact}"
            model.save(whole)
            whole.replace(self.folder / model.artifact)


def read_config(path: Path) -> Config:
    """Return the configuration that a run's folder keeps.

    Raises:
        ResultError: It is missing or damaged.
    """
    try:
        config: Config = built(Config, yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ConfigurationError, AttributeError, TypeError, RecursionError) as error:
        raise ResultError(
            f"{path} cannot be read: {type(error).__name__}.\nTrain the cell again with retrain=true."
        ) from error
    return config


def tracked_as(folder: Path) -> TrackedAs | None:
    """Return where a folder's result is tracked, None if it is not.

    Results of earlier versions know their run themselves, in the project's own store.

    Raises:
        ResultError: A file is damaged.
    """
    if (folder / TRACKING).exists():
        return TrackedAs.read(folder / TRACKING)
    run_id = Result.read(folder / RESULT).mlflow_run_id
    return TrackedAs(uri=OWN_STORE, artifacts=OWN_ARTIFACTS, mlflow_run_id=run_id) if run_id else None


def why_failed(folder: Path) -> str:
    """Return the first line of a folder's error.txt, "" if there is none."""
    try:
        return next(iter((folder / ERROR).read_text(encoding="utf-8").splitlines()), "")
    except OSError:
        return ""


def run_folders(runs: Path, sweep: str) -> Iterator[Path]:
    """Yield the folder of each result of a sweep."""
    yield from (path.parent for path in find_results(runs, sweep))


def place_below_project(folder: Path) -> str:
    """Return a folder as people and tags name it: ``runs/matrix/keras2/...``."""
    return folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else folder.as_posix()
