"""The lab's launchers for clusters, where Hydra looks for plugins: each run is a job of Slurm or a task of Ray."""

import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra_plugins.pitfalls_local import Arguments, Job, LabLauncher
from pitfalls.errors import ConfigurationError


class SlurmLauncher(LabLauncher):
    """Launches each run of a sweep as a job of Slurm."""

    def __init__(
        self,
        partition: str | None,
        time_minutes: int,
        memory_gb: float | None,
        cpus_per_job: int,
        jobs_at_once: int,
        sbatch: dict[str, Any],
    ) -> None:
        """Take what each job is given, how many run at once, and further options of sbatch."""
        memory = f"{round(memory_gb * 1024)}M" if memory_gb else None
        self.options = {
            "partition": partition,
            "time": time_minutes,
            "mem": memory,
            "cpus_per_task": cpus_per_job,
            "array_parallelism": jobs_at_once,
            "additional_parameters": {"no-requeue": True, **sbatch},
        }

    def run(self, job: Job, arguments: Arguments) -> list[Any]:
        """Run each job on Slurm.

        Raises:
            ConfigurationError: Slurm or submitit is not installed here.
            SweepError: Slurm does not take the jobs.
        """
        refuse_without("submitit", "slurm")
        if not shutil.which("sbatch"):
            raise ConfigurationError(
                "hydra/launcher=slurm needs Slurm's commands, and there is no sbatch on this machine.\n"
                "Run the same command on a machine that submits jobs, or train here: hydra/launcher=local."
            )
        from pitfalls.workers.slurm import run_on_slurm

        sweep = Path(str(self.config.hydra.sweep.dir))
        folder = sweep / ".slurm" / time.strftime(f"%Y-%m-%d-%H-%M-%S-{time.time_ns() % 1_000_000:06d}")
        return run_on_slurm(job, arguments, folder, self.options | {"job_name": f"pitfalls-{sweep.name}"})


class RayLauncher(LabLauncher):
    """Launches each run of a sweep as a task of a Ray cluster that stands."""

    def __init__(self, address: str, cpus_per_job: float) -> None:
        """Take where the cluster is, and how many processors a task is given."""
        self.address, self.cpus_per_job = address, cpus_per_job

    def run(self, job: Job, arguments: Arguments) -> list[Any]:
        """Run each job on Ray.

        Raises:
            ConfigurationError: Ray is not installed here, or there is no cluster.
        """
        refuse_without("ray", "ray")
        if self.address == "local":  # Ray would start one, which listens on every address of this machine
            raise ConfigurationError(no_cluster("hydra.launcher.address=local names no cluster"))
        from pitfalls.workers.ray import run_on_ray

        try:
            return run_on_ray(job, arguments, self.address, self.cpus_per_job)
        except ConnectionError as error:
            raise ConfigurationError(no_cluster(f"no Ray cluster answers at {self.address}")) from error


def no_cluster(seen: str) -> str:
    """Say that there is no cluster, and how to name one."""
    return (
        f"{seen}.\nStart the command on a node of a cluster that stands, or give the address of its head: "
        "hydra.launcher.address=HOST:6379. Or train here: hydra/launcher=local."
    )


def refuse_without(library: str, launcher: str) -> None:
    """Refuse a launcher whose library is not installed.

    Raises:
        ConfigurationError: Says how to install it.
    """
    if find_spec(library) is None:
        raise ConfigurationError(
            f"hydra/launcher={launcher} needs {library}, which is not installed here.\n"
            "Run `make setup-cluster`, then the same command again. Or train here: hydra/launcher=local."
        )
