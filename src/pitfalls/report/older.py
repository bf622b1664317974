"""Older: a report that is older than the runs says so where it is read, until it is written anew."""

import html
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pitfalls.errors import ConfigurationError
from pitfalls.files import write_text

IN_PAGE = re.compile(r"<!-- older -->(.*?)<!-- /older -->", re.DOTALL)
"""Where the page has room for it: the template leaves the two comments empty."""

IN_TABLES = re.compile(r"\A(> \*\*Older than the runs:\*\* .*\n\n)?")


def mark_older(page: Path, sweep: str) -> None:
    """Say on the report's first screen, and in the first line of its tables, that runs are being trained again.

    A mark that is there is replaced. What does not exist, cannot be read or cannot be written to stays as it is:
    no training fails for it.

    Args:
        page: The page, reports/index.html; matrix.md stands beside it.
        sweep: The sweep whose runs are trained.
    """
    since = datetime.now().astimezone().strftime("%d %B %Y, %H:%M")
    name = html.escape(sweep)
    in_page = (
        f'<p class="older" role="status"><strong>Older than the runs:</strong> since {since}, runs of '
        f"<code>{name}</code> are being trained again. <code>dvc repro</code> writes this page anew.</p>"
    )
    in_tables = (
        f"since {since}, runs of `{sweep}` are being trained again. `dvc repro` writes this file anew."
    )
    replace(page, IN_PAGE, f"<!-- older -->{in_page}<!-- /older -->")
    replace(page.with_name("matrix.md"), IN_TABLES, f"> **Older than the runs:** {in_tables}\n\n")


def is_marked(page: Path) -> bool:
    """Tell whether a page says that it is older than the runs."""
    found = IN_PAGE.search(page.read_text(encoding="utf-8", errors="replace"))
    return bool(found and found[1])


def replace(path: Path, place: re.Pattern[str], mark: str) -> None:
    """Put a mark into its place in a file, at once."""
    with suppress(OSError, UnicodeDecodeError, ConfigurationError):
        text = path.read_text(encoding="utf-8")
        marked = place.sub(lambda _: mark, text, count=1)
        if marked != text:
            write_text(path, marked)
