"""How long the report takes to draw, from the start of the navigation to its last figure.

The bar is 2 s on two quiet cores. Wants Debian's chromium and a report: make reproduce.
"""

import shutil
import sys

from playwright.sync_api import sync_playwright

from pitfalls.project import ROOT

OPENINGS = 5
FLAGS = ["--no-sandbox", "--disable-gpu"]


def main() -> None:
    page_file, chromium = ROOT / "reports" / "index.html", shutil.which("chromium")
    if not page_file.exists() or chromium is None:
        sys.exit("The report or chromium is missing: make reproduce, apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        drawn = []
        for _ in range(OPENINGS):
            page = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
            page.goto(page_file.as_uri())
            page.wait_for_selector("body[data-drawn]", state="attached")
            drawn.append(float(page.evaluate("document.body.dataset.drawn")) / 1000)
    print(f"report   {page_file.stat().st_size / 1e6:.2f} MB of 5 MB")
    print(f"drawn    {' '.join(f'{seconds:.2f}' for seconds in drawn)} s, the bar is 2 s")


if __name__ == "__main__":
    main()
