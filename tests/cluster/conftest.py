"""Clusters of this machine: Slurm and Ray, both with two nodes, both where nothing but loopback is."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from cluster.alone import is_alone
from killed_sweeps import LINE, OF_EACH, KilledSweep, wait_until_gone

from pitfalls.config.frameworks import why_missing
from pitfalls.project import ROOT

SLURM_CONF = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=17002
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
KillWait=5
SlurmdTimeout=10
SchedulerParameters=sched_min_interval=500000
NodeName=n1 NodeAddr=127.0.0.1 NodeHostname={host} Port=17011 CPUs={cpus} RealMemory=8000
NodeName=n2 NodeAddr=127.0.0.1 NodeHostname={host} Port=17012 CPUs={cpus} RealMemory=8000
PartitionName=short Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""

CPUS = 1
"""Of each node: a machine of two cores trains two runs at once."""


@pytest.fixture(scope="session", autouse=True)
def alone() -> None:
    """Refuse to start anything where another network than loopback is."""
    if not is_alone():
        pytest.skip("not in a network namespace of its own, where only loopback is: make test-cluster")


def wait_until(is_so: Callable[[], bool], what: str, patience_seconds: float = 60) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: It is not, after a while.
    """
    deadline = time.monotonic() + patience_seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {patience_seconds} s"
        time.sleep(0.2)


def processes_with(**wanted: str) -> list[psutil.Process]:
    """Return the processes in whose environment some variables have some values."""
    processes = psutil.process_iter(["environ"])
    return [process for process in processes if wanted.items() <= (process.info["environ"] or {}).items()]


class Services:
    """Services that a test starts, and their end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, {}

    def start(self, name: str, *command: str, **environment: str) -> None:
        """Start a service; what it prints is kept."""
        with (self.folder / f"{name}.out").open("ab") as printed:
            self.started[name] = subprocess.Popen(
                command, stdout=printed, stderr=printed, env=os.environ | environment, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """End a service and all that it started, as a power cut does."""
        service = self.started.pop(name)
        family = [*psutil.Process(service.pid).children(recursive=True), psutil.Process(service.pid)]
        for process in family:
            process.send_signal(signal.SIGKILL)
        service.wait()
        assert wait_until_gone(family, 10)

    def close(self) -> None:
        """End all services."""
        for name in list(self.started)[::-1]:
            self.kill(name)


class Slurm(Services):
    """A Slurm with two nodes, n1 and n2."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        host = socket.gethostname().partition(".")[0]
        conf = folder / "slurm.conf"
        conf.write_text(SLURM_CONF.format(host=host, folder=folder, cpus=CPUS))
        os.environ["SLURM_CONF"] = str(conf)
        (folder / "state").mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        munge = [f"--key-file={key}", f"--socket={folder}/munge.sock", f"--pid-file={folder}/munge.pid",
                 f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"]  # fmt: skip
        self.start("munged", "munged", "--foreground", "--force", *munge)
        wait_until((folder / "munge.sock").exists, "munged listens")
        self.start("slurmctld", "slurmctld", "-D")
        for node in ("n1", "n2"):
            self.start_node(node)
        wait_until(lambda: self.nodes() == {"n1": "idle", "n2": "idle"}, "both nodes are idle")

    def start_node(self, node: str) -> None:
        """Start a node, or start it again."""
        self.start(node, "slurmd", "-D", "-N", node)

    def lose(self, node: str) -> None:
        """Let a node vanish with all that runs on it."""
        for process in processes_with(SLURM_JOB_NODELIST=node):
            for one in (process.parent(), process):  # first what watches over it
                if one and one.pid > 1:
                    one.kill()
        self.kill(node)

    def nodes(self) -> dict[str, str]:
        """Return the state of each node."""
        printed = self.ask("sinfo", "--noheader", "--Node", "--Format=NodeList:16,StateCompact:16")
        return dict(line.split() for line in printed.splitlines())

    def running(self) -> dict[str, str]:
        """Return for each job that runs its node."""
        printed = self.ask(
            "squeue", "--array", "--states=running", "--noheader", "--Format=JobArrayID:32,NodeList:16"
        )
        return dict(line.split() for line in printed.splitlines())

    def at_work(self, node: str) -> list[str]:
        """Return the jobs that run on a node."""
        return [job for job, place in self.running().items() if place == node]

    def ask(self, *command: str) -> str:
        """Return what a command of Slurm prints, nothing while the controller does not answer."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def slurm(slurm_of_all: Slurm) -> Slurm:
    """Give a Slurm on which nothing runs: a job has written its result before Slurm knows that it ended."""
    wait_until(lambda: not slurm_of_all.running(), "nothing runs")
    return slurm_of_all


@pytest.fixture(scope="module")
def slurm_of_all(tmp_path_factory) -> Iterator[Slurm]:
    """Give a Slurm with two nodes."""
    if find_spec("submitit") is None:
        pytest.skip("submitit is not installed: make setup-cluster")
    for command in ("munged", "slurmctld", "slurmd", "sbatch"):
        if not shutil.which(command):
            pytest.skip(
                f"there is no {command}: apt-get install slurmctld slurmd slurm-client munge, or their like"
            )
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    yield cluster
    cluster.close()


class Ray(Services):
    """A Ray cluster with a head that trains nothing, and two workers, n1 and n2."""

    ADDRESS = "127.0.0.1:6379"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        head = ["--head", "--port=6379", "--num-cpus=0", "--include-dashboard=false"]
        self.start_ray("head", *head, f"--temp-dir={folder}")
        wait_until(lambda: self.count() == 1, "the head stands")
        self.start_node("n1")
        wait_until(
            lambda: self.count() == 2, "n1 stands"
        )  # two that start at once mistake each other's ports
        self.start_node("n2")
        wait_until(lambda: self.count() == 3, "n2 stands")

    def start_ray(self, name: str, *options: str) -> None:
        """Start a part of the cluster; n2 has an address of its own, since a driver joins the node that has its own."""
        address = f"--node-ip-address={'127.0.0.2' if name == 'n2' else '127.0.0.1'}"
        self.start(name, sys.executable, "-m", "ray.scripts.scripts", "start", "--block", address, *options,
                   "--object-store-memory=100000000")  # fmt: skip

    def start_node(self, node: str) -> None:
        """Start a node, or start it again."""
        self.start_ray(node, f"--address={self.ADDRESS}", f"--num-cpus={CPUS}")

    def count(self) -> int:
        """Return how many nodes stand."""
        line = [sys.executable, "-c", COUNT_NODES, self.ADDRESS]
        printed = subprocess.run(line, capture_output=True, text=True, check=False).stdout
        return int(printed or 0)

    def training_on(self, node: str) -> list[psutil.Process]:
        """Return the processes of a node that do a task just now."""
        if node not in self.started:
            return []
        family = psutil.Process(self.started[node].pid).children(recursive=True)
        return [process for process in family if "ray::perform" in " ".join(process.cmdline())]


COUNT_NODES = """
import sys
from ray._raylet import GcsClient
print(sum(1 for node in GcsClient(address=sys.argv[1]).get_all_node_info().values() if node.state == 0))
"""


@pytest.fixture(scope="module")
def ray() -> Iterator[Ray]:
    """Give a Ray cluster with two workers; its sockets want a short path."""
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed: make setup-cluster")
    with tempfile.TemporaryDirectory(prefix="r") as folder:
        cluster = Ray(Path(folder))
        yield cluster
        cluster.close()


@pytest.fixture(scope="session")
def names() -> Iterator[Callable[[str], str]]:
    """Give names for sweeps, whose runs are removed in the end."""
    yield lambda what: f"cluster-{os.getpid()}-{what}"
    for folder in (ROOT / "runs").glob(f"cluster-{os.getpid()}-*"):
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def reference(names, tmp_path_factory) -> dict[str, dict]:
    """Give what the launcher `local` measures in the sweep that the clusters train."""
    sweep = KilledSweep(names("local"), tmp_path_factory.mktemp("local"))
    assert sweep.finish() == 0
    return sweep.results()


@pytest.fixture(scope="session")
def line_of_frameworks() -> list[str]:
    """Give the words of a sweep that trains two sound cells of each framework that is installed."""
    runtimes = [runtime for framework, runtime in OF_EACH.items() if not why_missing(framework)]
    words = [word for word in LINE if not word.startswith(("runtime=", "generator=", "model=", "seed="))]
    return [
        *words,
        f"runtime={','.join(runtimes)}",
        "generator=fresh_arrays",
        "model=mean_lambda,dense",
        "seed=0",
    ]


@pytest.fixture(scope="session")
def frameworks_here(names, line_of_frameworks, tmp_path_factory) -> dict[str, dict]:
    """Give what the launcher `local` measures of each framework."""
    sweep = KilledSweep(names("local-all"), tmp_path_factory.mktemp("local-all"), line_of_frameworks)
    assert sweep.finish() == 0
    return sweep.results()
