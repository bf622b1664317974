"""Command: ``pitfalls lint PATH...``, which reads code and runs nothing unless --prove says so."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pitfalls.guard.findings import GuardError
from pitfalls.guard.lint.answers.forms import FORMS
from pitfalls.guard.lint.answers.report import Report
from pitfalls.guard.lint.baseline import new_findings, read_baseline, write_baseline
from pitfalls.guard.lint.files import files_in
from pitfalls.guard.lint.findings import FileResult, Finding
from pitfalls.guard.lint.fixing import diff_of
from pitfalls.guard.lint.proving import prove
from pitfalls.guard.lint.rules.catalogue import EXPLANATIONS, RULES
from pitfalls.guard.lint.scheduling import lint_files
from pitfalls.guard.lint.settings import Settings, read_settings

EPILOG = """examples:
  pitfalls lint src
  pitfalls lint train.py --fix | patch -p0
  pitfalls lint . --format sarif > pitfalls.sarif
  pitfalls lint --explain refilled-batch

exit status: 0 nothing found, 1 findings, 2 it could not read the files, and says why"""


class Options(argparse.Namespace):
    """What was said."""

    paths: list[str]
    format: str
    ignore: list[str]
    exclude: list[str]
    baseline: str
    write_baseline: str
    explain: str
    prove: bool
    fix: bool
    pedantic: bool
    jobs: int | None


class Parser(argparse.ArgumentParser):
    """A parser whose complaints end the command with status 2 and one line."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line."""
        raise GuardError(f"{message[0].upper()}{message[1:]}. See pitfalls lint --help.")


def main(words: Sequence[str]) -> int:
    """Run the command and return its exit status.

    Args:
        words: What follows ``pitfalls lint``.
    """
    try:
        options = parser().parse_args(words, Options())
        if options.explain:
            print(explanation_of(options.explain))
            return 0
        if not options.paths:
            raise GuardError("There is no path to read. See pitfalls lint --help.")
        return _answered(options, read_settings(Path.cwd()))
    except GuardError as error:
        print(f"pitfalls lint: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pitfalls lint: Interrupted.", file=sys.stderr)
        return 2


def parser() -> Parser:
    """Return the command's parser."""
    raw = argparse.RawDescriptionHelpFormatter
    about = "Finds batches that are filled again after they were handed out. Reads code, runs nothing."
    made = Parser(prog="pitfalls lint", description=about, epilog=EPILOG, formatter_class=raw)
    add = made.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and folders; .gitignore is respected")
    add("--format", choices=list(FORMS), default="text", help="how to print the findings (default: text)")
    add("--ignore", action="append", default=[], choices=list(RULES), help="leave a rule out")
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave files out, as in a .gitignore",
    )
    add("--baseline", default="", metavar="FILE", help="leave out the findings that this file knows")
    add(
        "--write-baseline", default="", metavar="FILE", help="write the findings to this file, and end with 0"
    )
    add("--explain", default="", metavar="RULE", help="say what a rule means, and how to fix what it finds")
    add("--prove", action="store_true", help="run the command of each finding, and say what it shows")
    add("--fix", action="store_true", help="print the safe edits as a diff, and change nothing")
    add("--pedantic", action="store_true", help="also name the functions about which it cannot tell")
    add("--jobs", type=int, default=None, metavar="N", help="processes (default: one for each core)")
    return made


def explanation_of(rule: str) -> str:
    """Return what a rule means.

    Raises:
        GuardError: There is no such rule.
    """
    if rule not in RULES:
        raise GuardError(f"The rule {rule} does not exist. Choose from {', '.join(RULES)}.")
    return f"{rule}: {RULES[rule]}\n\n{EXPLANATIONS[rule]}"


def _answered(options: Options, settings: Settings) -> int:
    """Lint, and print the answer."""
    report = _report(options, settings)
    if options.write_baseline:
        write_baseline(options.write_baseline, report.findings)
        count = len(report.findings)
        print(f"{options.write_baseline}: {count} finding{'s' if count != 1 else ''} known from now on")
        return 0
    if options.fix:
        print(diff_of(list(report.findings)), end="")
    else:
        print(FORMS[options.format](report, options.pedantic or settings.pedantic))
    return report.exit_status


def _report(options: Options, settings: Settings) -> Report:
    files = files_in(options.paths, [*settings.exclude, *options.exclude])
    results = lint_files(files, roots_of(options.paths), options.jobs)
    ignored = {*settings.ignore, *options.ignore}
    findings = [item for result in results for item in result.findings if item.rule not in ignored]
    found, known = _without_known(findings, options, settings)
    if options.prove:
        found = prove(found)
    return Report(tuple(results), tuple(found), known)


def _without_known(
    findings: list[Finding], options: Options, settings: Settings
) -> tuple[list[Finding], int]:
    """Return the findings that no baseline knows, and how many one does."""
    file = options.baseline or settings.baseline
    if not file or options.write_baseline:
        return findings, 0
    new = new_findings(findings, read_baseline(file), os.path.dirname(file))
    return new, len(findings) - len(new)


def roots_of(paths: list[str]) -> list[str]:
    """Return the folders that the files' imports may come from: those named, ``src`` in them, the current one."""
    folders = [path for path in paths if os.path.isdir(path)]
    sources = [os.path.join(folder, "src") for folder in [*folders, "."]]
    return [*folders, *(folder for folder in sources if os.path.isdir(folder)), "."]


def lint(paths: Sequence[str]) -> list[FileResult]:
    """Return what is wrong with files and folders, for programs.

    Args:
        paths: Files and folders.

    Raises:
        GuardError: There is no such path.
    """
    return lint_files(files_in(list(paths), []), roots_of(list(paths)))
