"""Commands: one process that answers many, as sixty interpreters would take a minute."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pitfalls.guard.command import cli

SOURCE = str(Path(cli.__file__).parents[3])
SERVER = """
import json, os, sys
from pitfalls.guard.command import child, cli
for line in sys.stdin:
    folder, words = json.loads(line)
    if os.fork() == 0:
        os.chdir(folder)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f".{name}", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
        try:
            status = cli.main(words)
        except SystemExit as end:
            status = end.code
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": SOURCE}


@contextmanager
def server() -> Iterator:
    """Yield a function that runs a command in a fork of one process, in the folder of this one."""
    command = [sys.executable, "-c", SERVER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=ENVIRONMENT, **pipes) as process:

        def ask(*words):
            process.stdin.write(json.dumps([os.getcwd(), words]) + "\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            return subprocess.CompletedProcess(
                words, status, Path(".out").read_text(), Path(".err").read_text()
            )

        yield ask
        process.stdin.close()
