"""Callbacks: what Hydra calls before it makes a folder."""

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from pitfalls.config import places, refusals
from pitfalls.config.frameworks import refuse_another_backend
from pitfalls.config.schema import checked_name, resolved
from pitfalls.errors import messages_instead_of_tracebacks
from pitfalls.project import ROOT


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
            resolved_config = resolved(config)
            refusals.check(resolved_config)
            if not self._allows_probes:
                refusals.refuse_probe(resolved_config)
                refuse_another_backend(resolved_config.framework)
            places.refuse_outside(config, "run")
            refusals.refuse_unwritable(ROOT / "runs")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a sweep whose folder would lie elsewhere.

        Raises:
            SystemExit: With a message.
        """
        with messages_instead_of_tracebacks():
            checked_name(config.sweep)
            places.refuse_outside(config, "sweep")
            refusals.refuse_unwritable(ROOT / "runs")

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a run of a sweep whose own folder would lie elsewhere; those of a training are checked before.

        Raises:
            SystemExit: With a message.
        """
        with messages_instead_of_tracebacks():
            places.refuse_folder(Path(config.hydra.runtime.output_dir), ROOT / "runs" / config.sweep)
