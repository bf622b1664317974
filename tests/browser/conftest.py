"""A browser without a network, and a page that tells on itself.

The tests want Debian's chromium (`apt-get install chromium`) and Python's playwright;
without them they are skipped, and say so.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from made_frameworks import every_framework
from made_reports import committed_verdicts, made_page, with_guard

from pitfalls.report.map import write_maps
from pitfalls.report.page import write_page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DRAWN = "body[data-drawn]"


@dataclass
class Watched:
    """A page with what it said and asked for."""

    page: object
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven from Python."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """A page made from the committed verdicts, with all that a page can show."""
    verdicts, guard = with_guard(committed_verdicts())
    return made_page(tmp_path_factory.mktemp("report"), verdicts, guard=guard)


@pytest.fixture(scope="session")
def every_report(tmp_path_factory) -> Path:
    """A page of twelve runtimes in three frameworks."""
    folder = tmp_path_factory.mktemp("every")
    material = every_framework(folder)
    write_maps(material, folder)
    return write_page(material, folder)


@pytest.fixture
def open_page(browser):
    """Return a function that opens a file with the network cut off, and watches it."""
    contexts = []

    def opened(
        path: Path, hash: str = "", width: int = 1280, scheme: str = "light", wait: str = DRAWN
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=True,
            reduced_motion="reduce",
        )
        contexts.append(context)
        watched = Watched(context.new_page())
        page = watched.page
        page.on("console", lambda message: watched.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: watched.console.append(f"error: {error}"))
        page.on("request", lambda request: watched.requests.append(request.url))
        page.goto(path.as_uri() + hash)
        page.wait_for_selector(wait, state="attached")
        return watched

    yield opened
    for context in contexts:
        context.close()
