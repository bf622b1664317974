"""Running: one run from its configuration to its files: train, judge, track, write."""

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig

from pitfalls import config as configuration
from pitfalls.errors import messages_instead_of_tracebacks
from pitfalls.generators import make_configured
from pitfalls.probing import probe
from pitfalls.progress import epoch_bar, run_line
from pitfalls.results import is_finished, write_json
from pitfalls.sweeping import refuse_probe, refuse_unwritable
from pitfalls.verification import judge


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
    """Train a run unless exactly it has finished before, and write what it measured.

    result.json is written last: where it stands, everything else does.

    Args:
        config: The run's configuration, as Hydra composed it.

    Raises:
        PitfallsError: The run cannot be trained or tracked, or its folder not be written.
    """
    hydra = HydraConfig.get()
    is_job = hydra.mode == RunMode.MULTIRUN
    folder = Path(hydra.runtime.output_dir)
    cell = configuration.cell_of(config, hydra.runtime.choices)
    fingerprint = configuration.fingerprint(configuration.plain(config))
    if not is_job and refuse_or_list(config, cell, folder, fingerprint):
        return
    # These import TensorFlow and MLflow, which a run that has finished need not wait for.
    from pitfalls.tracking import link_project_run, tracked_run
    from pitfalls.training import train

    with tracked_run(config, cell) as tracked:
        if is_job:
            trained = train(config, cell)
        else:
            with epoch_bar(str(cell), config.training.epochs) as on_epoch_end:
                trained = train(config, cell, on_epoch_end)
        result = trained.result | {"fingerprint": fingerprint, "mlflow_run_id": tracked.run_id}
        verdict = judge(result).as_json()
        try:
            tracked.log(result, verdict, probe(make_configured(config)), trained.model)
        finally:
            write_json(folder / "verdict.json", verdict)
            write_json(folder / "result.json", result)
    if not is_job:
        print(run_line(result, verdict))
        print(f"{folder.relative_to(configuration.ROOT)}/result.json")
        if tracked.run_id:
            link_project_run(config.tracking.uri, tracked.run_id)


def refuse_or_list(config: DictConfig, cell: configuration.Cell, folder: Path, fingerprint: str) -> bool:
    """Tell whether a single run need not be trained: it has finished, or is only to be listed."""
    if not config.retrain and is_finished(folder, fingerprint):
        print(f"{cell} has finished before: {folder.relative_to(configuration.ROOT)}/result.json")
        print("Add retrain=true to train it again.")
        return True
    if config.dry_run:
        print(f"train     {folder.relative_to(configuration.ROOT)}")
    return config.dry_run
