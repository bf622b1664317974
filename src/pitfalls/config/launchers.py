"""Launchers: where the runs of a sweep are trained, and what each option of `hydra/launcher` can be told."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Local:
    """Workers on this machine.

    Attributes:
        workers: How many; null is one for each core.
        runs_per_worker: One grows by 0.25 MB a run, and is renewed before that is much.
    """

    _target_: str = "hydra_plugins.pitfalls_local.LocalLauncher"
    workers: int | None = None
    runs_per_worker: int = 100


@dataclass
class Slurm:
    """A job of Slurm for each run; `python src/train.py` is started where `sbatch` works.

    Attributes:
        partition: The queue; null is the cluster's own default.
        time_minutes: A job that takes longer is ended.
        memory_gb: What a job may use; null is the cluster's own default. One run takes 1 GB.
        cpus_per_job: Processors of a job.
        jobs_at_once: How many run at the same time at most.
        sbatch: Further options of sbatch: ``+hydra.launcher.sbatch.account=mine``.
    """

    _target_: str = "hydra_plugins.pitfalls_clusters.SlurmLauncher"
    partition: str | None = None
    time_minutes: int = 60
    memory_gb: float | None = 2
    cpus_per_job: int = 1
    jobs_at_once: int = 20
    sbatch: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ray:
    """A task for each run, on a Ray cluster that stands.

    Attributes:
        address: ``auto`` is the cluster of this node; or ``host:port`` of its head.
        cpus_per_job: Processors of a task; a node with eight runs eight at once.
    """

    _target_: str = "hydra_plugins.pitfalls_clusters.RayLauncher"
    address: str = "auto"
    cpus_per_job: float = 1


LAUNCHERS = {"local": Local, "slurm": Slurm, "ray": Ray}
"""The launchers of ours, by option. They are stored, not files: a file that extends its namesake recurses."""
