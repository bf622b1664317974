"""Running: one run from its configuration to its files: train, judge, track, write."""

import logging
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from pitfalls.config import schema as configuration
from pitfalls.errors import messages_instead_of_tracebacks
from pitfalls.lab.generators import make_configured
from pitfalls.lab.probe import probe
from pitfalls.report.progress import EpochHook, epoch_bar, run_line
from pitfalls.report.tables import claim_text, losses_text
from pitfalls.results import is_finished, write_json
from pitfalls.stages.sweep import refuse_probe, refuse_unwritable
from pitfalls.startup import quick_imports
from pitfalls.verdicts.run import judge


class CheckFirst(Callback):
    """Checks a single run before Hydra makes its folder; a sweep checks its runs itself."""

    def __init__(self, allows_probes: bool = False) -> None:
        """Check for a training, or for a probe."""
        self._allows_probes = allows_probes

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse what cannot be trained.

        Raises:
            SystemExit: With a message.
        """
        with messages_instead_of_tracebacks():
            configuration.check(config)
            if not self._allows_probes:
                refuse_probe(config)
            refuse_unwritable(configuration.ROOT / "runs")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a sweep whose folder would lie elsewhere.

        Raises:
            SystemExit: With a message.
        """
        with messages_instead_of_tracebacks():
            configuration.checked_name(config.sweep)
            refuse_unwritable(configuration.ROOT / "runs")


def run(config: DictConfig) -> None:
    """Train a run unless exactly it has finished before, and say what it measured.

    Args:
        config: The run's configuration, as Hydra composed it.

    Raises:
        PitfallsError: The run cannot be trained or tracked, or its folder not be written.
    """
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    cell = configuration.cell_of(config, hydra.runtime.choices)
    if hydra.mode == RunMode.MULTIRUN:
        train_and_write(config, cell, folder)
        return
    if refuse_or_list(config, cell, folder):
        return
    with epoch_bar(str(cell), config.training.epochs) as on_epoch_end:
        result, verdict = train_and_write(config, cell, folder, on_epoch_end)
    print(run_line(result, verdict))
    print(f"epochs  {losses_text(result['loss'])}")
    print(f"claim   {claim_text(verdict['claim'])}; closed form {verdict['claim']['formula']}")
    if seen := result["prediction"]:
        pair, label = " and ".join(map(str, seen["inputs"])), seen["label"]
        print(f"answer  {seen['value']:.2f} for {pair}, whose mean is {label:g}")
    print(f"why     {verdict['claim']['reason']}")
    for reason in verdict["reasons"]:
        print(f"failed  {reason}")
    print(f"files   {folder.relative_to(configuration.ROOT)}/result.json")


def train_and_write(
    config: DictConfig,
    cell: configuration.Cell,
    folder: Path,
    on_epoch_end: EpochHook = lambda epoch, loss: None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train a run, judge it, track it, and write result.json and verdict.json.

    result.json is written last: where it stands, everything else does.

    Args:
        config: A checked configuration.
        cell: The run's place in the matrix.
        folder: Where its files go.
        on_epoch_end: Told the loss of each epoch.

    Returns:
        The contents of the two files.

    Raises:
        PitfallsError: The run cannot be tracked, or its folder not be written.
    """
    tracking = tracking_of(config, cell)
    with quick_imports():
        from pitfalls.lab.training import train  # TensorFlow, which a run that has finished need not wait for

    configuration.importable("model", config.model._target_)  # only here: a model's module imports TensorFlow
    # Each run compiles a step of its own, which TensorFlow advises against from the fifth on, in eight lines.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with tracking as tracked:
        trained = train(config, cell, on_epoch_end)
        fingerprint = configuration.fingerprint(configuration.plain(config))
        result = trained.result | {"fingerprint": fingerprint, "mlflow_run_id": tracked.run_id}
        verdict = judge(result).as_json()
        try:
            tracked.log(result, verdict, probe(make_configured(config)), trained.model)
        finally:
            write_json(folder / "verdict.json", verdict)
            write_json(folder / "result.json", result)
    return result, verdict


class Untracked:
    """What stands for a tracked run under `tracking=off`."""

    run_id = None

    def log(self, *measured: Any) -> None:
        """Log nothing."""


def tracking_of(config: DictConfig, cell: configuration.Cell) -> AbstractContextManager[Any]:
    """Return the context that tracks a run; MLflow, over a second of import, is left out where nothing is tracked."""
    if not config.tracking.enabled:
        return nullcontext(Untracked())
    with quick_imports():
        from pitfalls.tracking import tracked_run

    return tracked_run(config, cell)


def refuse_or_list(config: DictConfig, cell: configuration.Cell, folder: Path) -> bool:
    """Tell whether a single run need not be trained: it has finished, or is only to be listed."""
    fingerprint = configuration.fingerprint(configuration.plain(config))
    if not config.retrain and is_finished(folder, fingerprint):
        print(f"{cell} has finished before: {folder.relative_to(configuration.ROOT)}/result.json")
        print("Add retrain=true to train it again.")
        return True
    if config.dry_run:
        print(f"train     {folder.relative_to(configuration.ROOT)}")
    return config.dry_run
