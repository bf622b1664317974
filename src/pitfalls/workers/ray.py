"""Ray: a task for each run, on a cluster that stands.

Hydra's own plug-in hands `object_store_memory` to a cluster that stands, which Ray refuses, and pins an old
cloudpickle. Neither is needed for what a sweep asks of Ray: these few calls.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import cloudpickle
import ray

from pitfalls.startup import stop_if_asked, stop_when_asked
from pitfalls.workers.endings import ending_on_ray
from pitfalls.workers.nodes import environment_of_jobs
from pitfalls.workers.waits import Wait

LOOK_SECONDS = 0.5


def run_on_ray(
    job: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], address: str, cpus_per_job: float
) -> list[Any]:
    """Call a function with each of some arguments, each in a task of Ray.

    Nothing is started but tasks, and a task that dies is not tried again: the sweep says so, and a second command
    trains it.

    Args:
        job: The function; any that cloudpickle takes.
        arguments: Those of each call.
        address: The cluster: `auto` for that of this node, or host:port of its head.
        cpus_per_job: How many processors a task is given.

    Returns:
        For each call what it returned, or why it did not.

    Raises:
        ConnectionError: There is no cluster.
        KeyboardInterrupt: As it comes; the tasks are ended.
    """
    ray.init(
        address=address,
        runtime_env={"env_vars": environment_of_jobs()},
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    stop_when_asked()  # Ray has put its own answer to SIGTERM in place
    try:
        task = ray.remote(num_cpus=cpus_per_job, max_retries=0)(perform)
        shared = ray.put(cloudpickle.dumps(job))
        return collect([task.remote(shared, *given) for given in arguments], cpus_per_job)
    finally:
        ray.shutdown()  # ends what still runs


def perform(shared: bytes, *arguments: Any) -> Any:
    """Do one job on its node."""
    return cloudpickle.loads(shared)(*arguments)


def collect(tasks: Sequence[Any], cpus_per_job: float) -> list[Any]:
    """Wait until every task has ended, and return what each returned or why it did not."""
    waiting, wait = list(tasks), Wait()
    while waiting:
        wait.is_for(why_none_fits(cpus_per_job))
        _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=LOOK_SECONDS)
        stop_if_asked()
    return [result_of(task) for task in tasks]


def why_none_fits(cpus_per_job: float) -> str:
    """Say that no node has the processors of a task, "" if one has; a cluster may still grow."""
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if most >= cpus_per_job:
        return ""
    return (
        f"No node of the cluster has the {cpus_per_job:g} processors that hydra.launcher.cpus_per_job asks for; "
        f"the largest has {most:g}. Waiting for one that has; Ctrl-C ends it."
    )


def result_of(task: Any) -> Any:
    """Return what a task returned, or why it did not."""
    try:
        return ray.get(task)
    except Exception as error:
        return ending_on_ray(error)
