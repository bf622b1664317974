"""The command: ``pitfalls check`` and ``pitfalls lint``.

Exit status 0: nothing found, or only what the framework repairs; 1: findings; 2: it could not check, and says why.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from pitfalls.guard.command.arguments import Options, parse, parse_the_form_of_the_answer, print_help
from pitfalls.guard.command.child import MORE_SECONDS_OR_FEWER_BATCHES, work
from pitfalls.guard.command.definitions import functions_of
from pitfalls.guard.command.examples import example_of
from pitfalls.guard.command.results import STATUS, Result, as_json, as_text, failure
from pitfalls.guard.command.sarif import sarif_of, write_whole
from pitfalls.guard.command.sources import parsed, text_of
from pitfalls.guard.command.supervision import Outcome, supervise
from pitfalls.guard.command.targets import split
from pitfalls.guard.findings import GuardError
from pitfalls.guard.lint.command import main as lint

GARBLED = (
    "The code that was checked wrote to a file that is not its own: the one by which the check tells its result. "
    "So no result can be trusted.\nLet it write to files that it opened itself, and to no numbers: not os.write(3, ...)."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["lint"]:
        return lint(words[1:])
    if not words:
        print_help()
        return STATUS["error"]
    options = parse_the_form_of_the_answer(words)
    try:
        options = parse(words)
        if options.example:
            return _print_example(options)
        result = _supervised(options)
    except GuardError as error:
        result = failure(options.target, str(error))
    except KeyboardInterrupt:
        result = failure(options.target, "Interrupted.")
    if options.sarif:
        result = _written(result, options.target, options.sarif)
    _print(result, options.json)
    return result.exit_status


def _supervised(options: Options) -> Result:
    """Check in a child process, and make a result of whatever became of it."""
    started = time.monotonic()
    outcome = supervise(lambda say: work(options, say, started), options.seconds)
    said = outcome.said
    if outcome.garbled:
        return failure(options.target, GARBLED)
    if "result" in said:
        result = Result(*said["result"])
        if not said.get("done"):
            result.report["not_checked"].append(_why_in_part(outcome, options.seconds))
        if said.get("done") or result.report["findings"] or outcome.out_of_time:
            return result
    return failure(options.target, _why(outcome, options.seconds))


def _why_in_part(outcome: Outcome, seconds: float) -> str:
    """Say why a result is not all of it."""
    if outcome.out_of_time:
        came = f"{outcome.said.get('seen', 0)} batches came"
        return f"Out of time after {seconds:g} seconds: {came}, and only these were checked."
    return f"{_why(outcome, seconds).splitlines()[0]} What came before is shown."


def _why(outcome: Outcome, seconds: float) -> str:
    """Say why there is no result."""
    said = outcome.said
    if "error" in said:
        return said["error"]
    if outcome.interrupted:
        return "Interrupted."
    doing = said.get("stage", "starting")
    if outcome.out_of_time:
        return f"Out of time after {seconds:g} seconds, while {doing}.\n{said.get('hint', MORE_SECONDS_OR_FEWER_BATCHES)}"
    if outcome.signal is None and outcome.status == 0:
        return (
            f"The process that ran it closed its files, or left, while {doing}: its result could not be told."
        )
    how = f"signal {outcome.signal}" if outcome.signal else f"exit status {outcome.status}"
    return f"The process that ran it ended with {how}, while {doing}."


def _written(result: Result, target: str, file: str) -> Result:
    """Write a result for a code host, and return it; or why it could not be written."""
    try:
        write_whole(file, sarif_of(result))
    except GuardError as error:
        return failure(target, str(error))
    return result


def _print(result: Result, wants_json: bool) -> None:
    """Print a result; an error goes to standard error, unless JSON was asked for."""
    failed = result.report["status"] == "error"
    text = as_json(result.report) if wants_json else as_text(result.report)
    _write(text, sys.stderr if failed and not wants_json else sys.stdout)


def _write(text: str, stream: TextIO) -> None:
    """Print a text; if nobody reads it to its end, say so."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # or Python complains when it leaves
        print("pitfalls: whoever was to read this closed the pipe before its end.", file=sys.stderr)


def _print_example(options: Options) -> int:
    """Print a command with made-up values for what is named.

    Raises:
        GuardError: It is not there.
    """
    place, name = split(options.target)
    source = text_of(place)
    line = example_of(place, parsed(source, place)[0], name) if name else None
    if line is None:
        names = ", ".join(functions_of(source)[:8]) or "nothing"
        raise GuardError(
            f"--example needs a name: pitfalls check {place}:NAME --example. It defines: {names}."
        )
    _write(json.dumps({"target": options.target, "example": line}) if options.json else line, sys.stdout)
    return 0
