"""Runs a command where no network is but loopback, and where whatever it starts ends with it.

    python tests/cluster/alone.py COMMAND...

Slurm's and Ray's services listen on every address that a machine has. In a network namespace of its own there
is none but 127.0.0.1 and 127.0.0.2, the second of which Slurm's look-up of names needs. In a process namespace
of its own no service outlives the command. Where the machine forbids these, the command runs all the same, and
the tests are skipped by name.
"""

import os
import shutil
import socket
import subprocess
import sys

NAMESPACES = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]

AS_ROOT_OF_ITS_OWN = ["--user", "--map-root-user"]

SET_UP = 'ip link set lo up && ip addr add 127.0.0.2/8 dev lo && { "$@"; exit $?; }'
"""The shell stays: as the first process it takes in what others leave behind."""


def is_alone() -> bool:
    """Tell whether this process sees loopback and no other network."""
    return [name for _, name in socket.if_nameindex()] == ["lo"]


def prefix() -> list[str]:
    """Return what makes a command run alone, nothing where the machine forbids it."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return []
    for options in (NAMESPACES, AS_ROOT_OF_ITS_OWN + NAMESPACES):
        line = ["unshare", *options, "bash", "-c", SET_UP, "alone"]
        if not subprocess.run([*line, "true"], capture_output=True, check=False).returncode:
            return line
    return []


if __name__ == "__main__":
    line = [*prefix(), *sys.argv[1:]]
    os.execvp(line[0], line)
