"""Arguments: what can be said to ``pitfalls check``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from pitfalls.guard.findings import RULES, GuardError

EPILOG = """examples:
  pitfalls check train.py:train_iterator --set batch_size=8
  pitfalls check train.py --definitions --call 'generator(np.random.rand(300, 2), np.random.rand(300), 8)'
  pitfalls check train.py:create_model --batch train.py:train_iterator

exit status: 0 nothing found, 1 findings, 2 it could not check, and says why;
what the framework repairs is a note and no finding, except with --fail-on repaired"""


class Version(argparse.Action):
    """Prints the installed version, which is looked up only then, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it."""
        from importlib.metadata import version

        print(f"pitfalls {version('pitfalls')}")
        parser.exit()


class Options(argparse.Namespace):
    """What was said."""

    target: str
    set: list[str]
    call: str | None
    definitions: bool
    example: bool
    batch: str | None
    loss: str | None
    allow: list[str]
    ignore: list[str]
    fail_on: str | None
    batches: int | None
    depth: int | None
    seconds: float
    strict: bool
    json: bool
    sarif: str | None


class Parser(argparse.ArgumentParser):
    """A parser whose complaints can be printed as JSON too."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line, instead of exiting."""
        if "invalid choice" in message and "(choose from" in message and "argument check" in message:
            word = message.split("invalid choice: ")[1].split(" (choose")[0].strip("'")
            if not {":", ".", "/"} & set(word):
                raise GuardError(f"There is no command {word}; there are check and lint.")
            raise GuardError(f"The command is missing: pitfalls check {word}.")
        raise GuardError(f"{message[0].upper()}{message[1:]}. See pitfalls check --help.")


def parse(words: Sequence[str]) -> Options:
    """Return the options that a command line gives.

    Raises:
        GuardError: It is wrong.
    """
    return _parser().parse_args(words, Options())


def print_help() -> None:
    """Print what can be said."""
    _parser().print_help()


def _parser() -> Parser:
    raw = argparse.RawDescriptionHelpFormatter
    about = "Catches aliased batches and broadcast losses."
    parser = Parser(prog="pitfalls", description=about, epilog=EPILOG, formatter_class=raw)
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="check|lint", parser_class=Parser)
    what = "check a generator, a data set or a model"
    check = commands.add_parser("check", help=what, epilog=EPILOG, formatter_class=raw)
    commands.add_parser("lint", help="read code and run nothing: pitfalls lint --help", add_help=False)
    _add_what_is_checked(check)
    _add_how_it_is_checked(check)
    _add_what_is_written(check)
    return parser


def parse_the_form_of_the_answer(words: Sequence[str]) -> Options:
    """Return as much of a wrong command line as its error needs: what it names, and whether it wants JSON."""
    named = next((word for word in words[1:] if not word.startswith("-")), "")
    return Options(target=named, json="--json" in words, sarif=None)


def _add_what_is_checked(check: Parser) -> None:
    add = check.add_argument
    add("target", help="FILE.py:NAME or package.module:NAME; FILE.py with --call")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="an argument, typed by YAML's rules")
    add("--call", metavar="EXPRESSION", help="evaluate this in the file's namespace instead of a name")
    definitions = "take imports, functions, classes, constants; run nothing else"
    add("--definitions", action="store_true", help=definitions)
    example = "print a --call line for it, made up from the names and defaults of its arguments; run nothing"
    add("--example", action="store_true", help=example)
    batch = "for a model: where its first batch comes from, a name or an expression"
    add("--batch", metavar="TARGET", help=batch)
    loss = "for a model that is not compiled: the name of a Keras loss, or of a function in the file"
    add("--loss", help=loss)
    allow = "a loss or metric whose broadcast is meant"
    add("--allow", action="append", default=[], metavar="NAME", help=allow)


def _add_how_it_is_checked(check: Parser) -> None:
    add = check.add_argument
    add("--ignore", action="append", default=[], choices=list(RULES), help="leave a rule's findings out")
    fail_on = "exit with status 1 also for a finding that the framework repairs"
    add("--fail-on", choices=["repaired"], help=fail_on)
    add("--batches", type=_at_least_one, metavar="N", help="how many batches to read (default: 32 or more)")
    depth = "how many a consumer may hold (default: 10, of a PyDataset its queue and workers)"
    add("--depth", type=_at_least_one, metavar="N", help=depth)
    add("--seconds", type=_positive, default=60.0, metavar="S", help="a limit for everything (default: 60)")
    add("--strict", action="store_true", help="make yielded memory read-only: each write to it is a finding")


def _add_what_is_written(check: Parser) -> None:
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.add_argument("--sarif", metavar="FILE", help="write a SARIF file for a code host")


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
