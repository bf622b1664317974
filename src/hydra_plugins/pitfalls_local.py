"""The lab's own launcher, where Hydra looks for plugins: runs on this machine, in workers that may die alone."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from pitfalls.workers.launch import preloaded_for, workers_here

Job = Callable[..., Any]

Arguments = Sequence[tuple[int, list[str]]]
"""For each job its number and its overrides."""


class LabLauncher(Launcher):
    """Launches the runs of a sweep somewhere; a launcher of its own says where."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what each job needs."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run every job, and return what became of each; a job that ended without a result has FAILED.

        Args:
            job_overrides: The overrides of each job.
            initial_job_idx: The number of the first.
        """
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        job = partial(execute, self.hydra_context, self.config, self.task_function, Singleton.get_state())
        arguments = [(initial_job_idx + at, list(overrides)) for at, overrides in enumerate(job_overrides)]
        return [one if isinstance(one, JobReturn) else failed(one) for one in self.run(job, arguments)]

    @abstractmethod
    def run(self, job: Job, arguments: Arguments) -> list[Any]:
        """Call a function with each of some arguments, and return what each returned or the error that it ended with."""


class LocalLauncher(LabLauncher):
    """Launches the runs of a sweep in a few processes of this machine."""

    def __init__(self, workers: int | None, runs_per_worker: int) -> None:
        """Take how many workers there are, one for each core if that is null, and when one is renewed."""
        self.workers = workers or workers_here()
        self.runs_per_worker = runs_per_worker

    def run(self, job: Job, arguments: Arguments) -> list[Any]:
        """Run jobs in workers that may die alone."""
        from pitfalls.workers.pool import run_in_workers  # pebble, which nothing else waits for

        first = self.hydra_context.config_loader.load_sweep_config(self.config, arguments[0][1])
        preloaded = preloaded_for(first.framework, first.tracking.enabled)
        return run_in_workers(job, arguments, self.workers, self.runs_per_worker, preloaded)


def failed(error: BaseException) -> JobReturn:
    """Return what Hydra calls a job that failed."""
    returned = JobReturn(status=JobStatus.FAILED)
    returned.return_value = error
    return returned


def execute(
    hydra_context: HydraContext,
    config: DictConfig,
    task_function: TaskFunction,
    singletons: dict[Any, Any],
    index: int,
    overrides: list[str],
) -> JobReturn:
    """Run one job in a worker, as Hydra's own launchers do."""
    setup_globals()
    Singleton.set_state(singletons)
    composed = hydra_context.config_loader.load_sweep_config(config, overrides)
    with open_dict(composed):
        composed.hydra.job.id = f"{composed.hydra.job.name}_{index}"
        composed.hydra.job.num = index
    HydraConfig.instance().set_config(composed)
    return run_job(
        hydra_context=hydra_context,
        config=composed,
        task_function=task_function,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
