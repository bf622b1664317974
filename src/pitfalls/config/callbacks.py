"""Callbacks: what Hydra calls before it makes a folder."""

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from pitfalls.config import refusals
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
            refusals.refuse_unwritable(ROOT / "runs")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a sweep whose folder would lie elsewhere.

        Raises:
            SystemExit: With a message.
        """
        with messages_instead_of_tracebacks():
            checked_name(config.sweep)
            refusals.refuse_unwritable(ROOT / "runs")
