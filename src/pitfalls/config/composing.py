"""Composing: the runs of a sweep share their configuration, up to a few values.

Hydra composes a run where it is checked and again in the process that trains it, 0.2 s
each time. Here it is composed once, travels with the jobs, and each run's own values
are set on a copy.

Every private name of Hydra that the lab relies on is here and in hydra_plugins/; known: Hydra 1.3.
"""

import pickle

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from pitfalls.config.places import refuse_run_elsewhere

RUN_S_OWN = (
    "seed",
    "fingerprint",
    "hydra.sweep.subdir",
    "tracking.parent_run_id",
    "tracking.launch",
)
"""Keys that runs differ in and that choose no option; what interpolates them is resolved later."""

MOST_KEPT = 128
"""So many compositions are kept; all of them, 16 kB each, are sent with every job."""


class SharedComposition(ConfigLoaderImpl):
    """Hydra's loader of configurations, with one composition for all runs that differ in `RUN_S_OWN` alone."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        """Compose from the places that Hydra searches."""
        super().__init__(config_search_path)
        self._kept: dict[tuple[str, ...], bytes] = {}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Return the configuration of one run of a sweep.

        Args:
            master_config: The sweep's own configuration.
            sweep_overrides: What the run adds to it.

        Raises:
            HydraException: The overrides do not fit the configuration.
            ConfigurationError: A run would leave its folder.
        """
        own = [override for override in sweep_overrides if override.split("=", 1)[0] in RUN_S_OWN]
        composed = self._composed(
            master_config, [override for override in sweep_overrides if override not in own]
        )
        OmegaConf.copy_cache(from_config=master_config, to_config=composed)
        parsed = OverridesParser.create().parse_overrides(own)
        self._apply_overrides_to_config(parsed, composed)
        listed = composed.hydra.overrides
        for override in parsed:
            (listed.hydra if override.is_hydra_override() else listed.task).append(override.input_line)
        return composed

    def _composed(self, master_config: DictConfig, shared: list[str]) -> DictConfig:
        """Return a new copy of what some overrides give."""
        if kept := self._kept.get(tuple(shared)):
            return pickle.loads(kept)
        composed = super().load_sweep_config(master_config, shared)
        refuse_run_elsewhere(composed)
        if len(self._kept) < MOST_KEPT:
            self._kept[tuple(shared)] = pickle.dumps(composed)
        return composed
