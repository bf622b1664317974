"""Errors are shown without a traceback, without what a terminal would obey, and a reader that went away is none."""

import subprocess
import sys

import pytest

from pitfalls.errors import ResultError, messages_instead_of_tracebacks, printable
from pitfalls.report.terminal import console, print_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 'quoted', µ, 学, 🏃\n\tindented", "plain, 'quoted', µ, 学, 🏃\n\tindented"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("100 %\rdone", "100 %\\rdone"),
        ("\x00\x08\x7f\x9b31m", "\\x00\\x08\\x7f\\x9b31m"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("name-\udcff", "name-\\udcff"),
    ],
)
def test_control_characters_are_shown_by_their_escapes(text, shown):
    """Those that clear a screen, set a title, overwrite a line, or turn letters round; others stay."""
    assert printable(text) == shown
    shown.encode()


def test_an_error_is_printed_without_what_it_would_do_to_a_terminal(capsys):
    """Its text may be somebody else's."""
    with pytest.raises(SystemExit) as left, messages_instead_of_tracebacks():
        raise ResultError("\x1b[31mred\x1b[0m cannot be read")
    assert left.value.code == 2
    assert capsys.readouterr().err == "ResultError: \\x1b[31mred\\x1b[0m cannot be read\n"


def test_so_is_a_line_of_a_table(capsys):
    """Names of cells come from files."""
    print_line(console(), "keras2 / \x1b[2J / dense")
    assert capsys.readouterr().out == "keras2 / \\x1b[2J / dense\n"


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_went_away_is_no_error(lines):
    """As in `| head`: nothing on standard error, and the status that a shell gives such a process."""
    program = (
        "from pitfalls.errors import messages_instead_of_tracebacks\n"
        "import sys\n"
        "sys.stdin.readline()\n"
        "with messages_instead_of_tracebacks():\n"
        f"    print('line\\n' * {lines})\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    _, told = process.communicate(b"\n", timeout=60)
    assert (process.returncode, told) == (141, b"")
