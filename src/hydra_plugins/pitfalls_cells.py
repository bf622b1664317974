"""The lab's sweeper, where Hydra looks for plugins: it expands overrides, `pitfalls.stages.sweep` does the rest."""

from copy import deepcopy
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from pitfalls.config.composing import SharedComposition
from pitfalls.stages.sweep import Sweep


class CellSweeper(BasicSweeper):
    """Hydra's own sweeper, with finished cells left out and the tracking around the rest."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Give the launcher, and so each job's process, the compositions that were checked."""
        loader = SharedComposition(hydra_context.config_loader.get_search_path())
        context = HydraContext(config_loader=loader, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Launch the runs that the overrides span.

        Args:
            arguments: Hydra overrides, some with several values.

        Raises:
            SystemExit: With a message if a configuration cannot be trained, or if a run failed.
        """
        assert self.hydra_context is not None and self.config is not None and self.launcher is not None
        loader, master = self.hydra_context.config_loader, self.config
        HydraConfig.instance().set_config(deepcopy(master))  # as in a single run; the copy is made read-only
        overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
        (jobs,) = self.split_arguments(overrides, None)
        sweep = Sweep(
            compose=lambda words: loader.load_sweep_config(master, words),
            launch=self.launcher.launch,
            swept_keys=[o.get_key_element() for o in overrides if o.is_sweep_override()],
        )
        return sweep.run(jobs)
