"""Errors that a user of the lab can fix: each says what was seen, what it costs and what to do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PitfallsError(Exception):
    """An error whose message says what was seen and what to do; shown without a traceback."""


class ConfigurationError(PitfallsError, ValueError):
    """A configuration that cannot be trained."""


class ResultError(PitfallsError, ValueError):
    """A result file that is missing, damaged or of another version."""


class SweepError(PitfallsError, RuntimeError):
    """A sweep in which runs failed, or that cannot start."""


class PromotionError(PitfallsError, RuntimeError):
    """The champion cannot be promoted."""


class ReleaseError(PitfallsError, RuntimeError):
    """The results cannot be released."""


class TrackingError(PitfallsError, RuntimeError):
    """The tracking store cannot be read or written."""


class DivergedError(PitfallsError, ArithmeticError):
    """A training whose loss became infinite or NaN."""


@contextmanager
def messages_instead_of_tracebacks() -> Iterator[None]:
    """Print the text of a `PitfallsError`, or that the user pressed Ctrl-C, instead of a traceback.

    Raises:
        SystemExit: With status 2 for a `PitfallsError`, with 130 for Ctrl-C.
    """
    try:
        yield
    except PitfallsError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("Interrupted. Finished runs are kept. Run the same command to continue.", file=sys.stderr)
        raise SystemExit(130) from None
