"""Errors that a user of the lab can cure: what was seen, what it costs, what to do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PitfallsError(Exception):
    """An error whose message says what was seen and what to do; shown without a traceback."""


class ConfigurationError(PitfallsError, ValueError):
    """A configuration that cannot be trained."""


class ResultError(PitfallsError, ValueError):
    """A result file that is missing, damaged or of another schema."""


class SweepError(PitfallsError, RuntimeError):
    """Runs of a sweep that failed."""


class PromotionError(PitfallsError, RuntimeError):
    """The champion cannot be put forward."""


class ReleaseError(PitfallsError, RuntimeError):
    """The results cannot be released."""


class TrackingError(PitfallsError, RuntimeError):
    """The tracking store cannot be read or written."""


class DivergedError(PitfallsError, ArithmeticError):
    """A training whose loss is no number any more."""


@contextmanager
def messages_instead_of_tracebacks() -> Iterator[None]:
    """Print the text of a `PitfallsError`, or that the user stopped it, in place of a traceback.

    Raises:
        SystemExit: With status 2 for a `PitfallsError`, with 130 for Ctrl-C.
    """
    try:
        yield
    except PitfallsError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("Interrupted. What had finished is kept; the same line goes on from there.", file=sys.stderr)
        raise SystemExit(130) from None
