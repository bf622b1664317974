"""MLflow's page as `make ui` opens it, in a real browser: the runs at once, and the charts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from made_store import CELLS, make_store

from pitfalls.config.schema import ROOT
from pitfalls.verdicts.effects import EFFECTS

WIDTH = 1440

CLOSED_ASSISTANT = "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
"""What the page remembers once its assistant was closed."""

FIRST = [cell for cell in CELLS if cell.seed == 0]


@pytest.fixture(scope="module")
def links(browser, tmp_path_factory):
    """The links that `make ui` prints over a made-up store; its server is stopped by its own id."""
    folder = tmp_path_factory.mktemp("store")
    make_store(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["src/ui.py", "--port", str(port), "--database", str(folder / "mlflow.db")]
    log = folder / "server.log"
    with (
        log.open("w") as told,
        subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, stdout=told, stderr=told, start_new_session=True
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            yield re.findall(r"http://\S+", log.read_text().split("assistant")[0])
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def wait_for(address: str, server: subprocess.Popen, log, seconds: float = 90) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(log.read_text())


@pytest.fixture
def visit(browser):
    """Return a function that opens a link, and the list of all hosts that the pages asked."""
    hosts = set()
    context = browser.new_context(viewport={"width": WIDTH, "height": 900}, reduced_motion="reduce")
    context.add_init_script(CLOSED_ASSISTANT)

    def opened(link: str):
        page = context.new_page()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.goto(link)
        return page

    yield opened, hosts
    context.close()
    assert hosts - {None} == {"127.0.0.1"}, "a page asked another machine"


def test_the_first_link_shows_the_cells_at_once(links, visit):
    """Flat, by name, with what was claimed, measured and found, and nothing to scroll to."""
    page = visit[0](links[0])
    page.get_by_text(f"{len(FIRST)} matching runs").wait_for()
    for cell in FIRST:
        assert page.get_by_role("link", name=str(cell)).is_visible()
    for column in ("effect", "verdict", "final_loss", "claimed_loss", "broken_rows"):
        header = page.locator(f".ag-header-cell[col-id$='`{column}`']").bounding_box()
        assert header["x"] + header["width"] <= WIDTH, f"{column} is out of sight"
    effects = page.locator(".ag-row [col-id='tags.`effect`']").all_inner_texts()
    assert sorted(effects) == sorted(["bites", *EFFECTS])


def test_the_longest_name_of_a_run_is_not_cut(links, visit):
    """A run is known by its cell and seed."""
    page = visit[0](links[0])
    name = page.get_by_role("link", name=max(map(str, FIRST), key=len))
    name.wait_for()
    assert name.evaluate(
        """link => {
            const text = document.createRange();
            text.selectNodeContents(link);
            const cell = link.closest(".ag-cell").getBoundingClientRect();
            return text.getBoundingClientRect().right <= cell.right;
        }"""
    )


def test_the_second_link_draws_the_losses_in_the_colours_of_their_effects(links, visit):
    """A line for each cell over its epochs, and two clouds of points."""
    page = visit[0](links[1])
    page.locator(".scatterlayer path.js-line").nth(len(FIRST) - 1).wait_for(state="attached")
    strokes = page.locator(".scatterlayer path.js-line").evaluate_all(
        "all => all.map(one => one.style.stroke)"
    )
    assert {as_hex(stroke) for stroke in strokes} == {effect.colour for effect in EFFECTS.values()}
    for title in ("claimed_loss vs. final_loss", "broken_rows vs. final_loss"):
        page.get_by_text(title).wait_for(state="attached")


def as_hex(colour: str) -> str:
    """Return `rgb(1, 2, 3)` as a browser knows it as `#010203`."""
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3])


def test_two_twins_are_compared_by_what_tells_them_apart(links, visit):
    """Ticked and compared: the generator is among what differs."""
    page = visit[0](links[0])
    for cell in FIRST[:2]:
        row = page.get_by_role("link", name=str(cell)).locator("xpath=ancestor::*[@row-id]").first
        identity = row.get_attribute("row-id")
        page.locator(f"[row-id='{identity}'] input[type=checkbox]").first.check(force=True)
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("Comparing 2 Runs").wait_for()
    assert page.get_by_text("generator", exact=True).first.is_visible()
