"""Errors that a user of the lab can fix: each says what was seen, what it costs and what to do."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pitfalls.startup import INTERRUPTED


class PitfallsError(Exception):
    """An error whose message says what was seen and what to do; shown without a traceback.

    `status` is the exit status of a command that ends with it: 2, it could not do what it was asked for.
    """

    status = 2


class ConfigurationError(PitfallsError, ValueError):
    """A configuration that cannot be trained."""


class ResultError(PitfallsError, ValueError):
    """A result file that is missing, damaged or of another version."""


class RunError(PitfallsError, RuntimeError):
    """A run that ended without a result."""

    status = 1


class SweepError(PitfallsError, RuntimeError):
    """A sweep in which runs failed, or whose launcher stopped."""

    status = 1


class PromotionError(PitfallsError, RuntimeError):
    """The champion cannot be promoted."""


class ReleaseError(PitfallsError, RuntimeError):
    """The results cannot be released."""


class TrackingError(PitfallsError, RuntimeError):
    """The tracking store cannot be read or written."""


class DivergedError(PitfallsError, ArithmeticError):
    """A training whose loss became infinite or NaN."""


def printable(text: str) -> str:
    """Return a text in which a terminal finds nothing to obey: control characters are shown by their escapes.

    Lines and tabs stay. What others named or raised goes through here before it is printed.
    """
    return "".join(
        letter if letter in "\n\t" or letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


@contextmanager
def messages_instead_of_tracebacks() -> Iterator[None]:
    """Print the text of a `PitfallsError`, or that the user pressed Ctrl-C, instead of a traceback.

    Raises:
        SystemExit: With the status of a `PitfallsError`, with 130 for Ctrl-C, and with 141, as a shell
            has it, where the reader of the output went away: `| head`.
    """
    try:
        yield
        sys.stdout.flush()
    except PitfallsError as error:
        print(printable(f"{type(error).__name__}: {error}"), file=sys.stderr)
        raise SystemExit(error.status) from None
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python tries again when it ends, and says so
        raise SystemExit(141) from None


def one_line(error: BaseException) -> str:
    """Return an error's type and the first line of its text, for a terminal or a table."""
    lines = str(error).strip().splitlines()
    return printable(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)
