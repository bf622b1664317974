"""The command: ``pitfalls check``.

Exit status 0: nothing found; 1: findings; 2: it could not check, and says why.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from pitfalls.guard.findings import RULES, GuardError

STATUS = {"clean": 0, "findings": 1, "error": 2}
EPILOG = """examples:
  pitfalls check train.py:train_iterator --set batch_size=8
  pitfalls check train.py --definitions --call 'generator(np.random.rand(300, 2), np.random.rand(300), 8)'
  pitfalls check train.py:create_model --batch train.py:train_iterator

exit status: 0 nothing found, 1 findings, 2 it could not check, and says why"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints can be printed as JSON too."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line, instead of exiting."""
        raise GuardError(f"{message[0].upper()}{message[1:]}. See pitfalls check --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    named = next((word for word in words[1:] if not word.startswith("-")), "")
    options = argparse.Namespace(target=named, json="--json" in words, sarif=None)
    try:
        options = _parser().parse_args(words)
        result, places = _supervised(options)
    except GuardError as error:
        result, places = _error(options.target, str(error)), []
    except KeyboardInterrupt:
        result, places = _error(options.target, "Interrupted."), []
    if options.sarif:
        result, places = _write_sarif(options, result, places)
    _print(result, options.json)
    return STATUS[result["status"]]


def _parser() -> Parser:
    parser = Parser(
        prog="pitfalls",
        description="Catches aliased batches and broadcast losses.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="check", parser_class=Parser)
    check = commands.add_parser(
        "check",
        help="check a generator, a data set or a model",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = check.add_argument
    add("target", help="FILE.py:NAME or package.module:NAME; FILE.py with --call")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="an argument, typed by YAML's rules")
    add("--call", metavar="EXPRESSION", help="evaluate this in the file's namespace instead of a name")
    add(
        "--definitions",
        action="store_true",
        help="take imports, functions, classes, constants; run nothing else",
    )
    add(
        "--batch",
        metavar="TARGET",
        help="for a model: where its first batch comes from, a name or an expression",
    )
    add(
        "--loss",
        help="for a model that is not compiled: the name of a Keras loss, or of a function in the file",
    )
    add(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="a loss or metric whose broadcast is meant",
    )
    add("--ignore", action="append", default=[], choices=list(RULES), help="leave a rule's findings out")
    add("--batches", type=_at_least_one, metavar="N", help="how many batches to read (default: 32 or more)")
    add(
        "--depth",
        type=_at_least_one,
        default=10,
        metavar="N",
        help="how many a consumer may hold (default: 10)",
    )
    add("--seconds", type=_positive, default=60.0, metavar="S", help="a limit for everything (default: 60)")
    add("--strict", action="store_true", help="make yielded memory read-only: each write to it is a finding")
    add("--json", action="store_true", help="print one JSON object")
    add("--sarif", metavar="FILE", help="write a SARIF file for a code host")
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it starts at 1")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("it must be above 0")
    return number


def _error(target: str, message: str) -> dict[str, Any]:
    return {"target": target, "status": "error", "findings": [], "not_checked": [message], "error": message}


def _supervised(options: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """Check in a child process, and make a result of whatever became of it."""
    from pitfalls.guard.command.supervision import supervise

    started = time.monotonic()
    outcome = supervise(lambda say: _work(options, say, started), options.seconds)
    said = outcome.said
    result, places = said.get("result", (None, []))
    if result and (said.get("done") or result["findings"]):
        if not said.get("done"):
            result["not_checked"].append(
                f"Out of time after {options.seconds:g} seconds: what came before is shown."
            )
        return result, places
    return _error(options.target, _why(outcome, options)), []


def _why(outcome: Any, options: argparse.Namespace) -> str:
    """Say why there is no result."""
    said = outcome.said
    if "error" in said:
        return str(said["error"])
    doing = said.get("stage", "starting")
    if outcome.interrupted:
        return "Interrupted."
    if outcome.out_of_time:
        hint = said.get("hint", "Give it more with --seconds, or ask for fewer batches with --batches.")
        return f"Out of time after {options.seconds:g} seconds, while {doing}.\n{hint}"
    how = f"signal {outcome.signal}" if outcome.signal else f"exit status {outcome.status}"
    return f"The process that ran it ended with {how}, while {doing}."


def _work(options: argparse.Namespace, say: Any, started: float) -> None:
    """Check in the child, saying what is being done for the case that it does not come to an end."""
    from pitfalls.guard.command.child import run

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        report = run(options, say, started)
        say("result", (report.to_dict(), [(finding.file, finding.line) for finding in report]))
        say("summary", report.batches)
    except GuardError as error:
        say("error", str(error))
        return
    say("done", True)


def _write_sarif(options: argparse.Namespace, result: dict[str, Any], places: list[Any]) -> tuple[Any, Any]:
    from pitfalls.guard.command.sarif import sarif_of, write_whole

    try:
        write_whole(options.sarif, sarif_of(result, places))
    except GuardError as error:
        return _error(options.target, str(error)), []
    return result, places


def _print(result: dict[str, Any], as_json: bool) -> None:
    """Print a result; an error goes to standard error, unless JSON was asked for."""
    if as_json:
        print(json.dumps(result, indent=2))
    elif result["status"] == "error":
        print(f"pitfalls: {result['target']}: {result['error']}", file=sys.stderr)
    else:
        blocks = [f"{f['rule']}: {f['message']}\n{f['fix']}\n" for f in result["findings"]]
        count = len(blocks)
        head = "nothing found" if not count else f"{count} finding{'s' if count > 1 else ''}"
        print("\n".join([*blocks, f"{result['target']}: {head}"]))
        for note in result["not_checked"]:
            print(f"  not checked: {note}")
