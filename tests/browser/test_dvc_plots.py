"""The page of `dvc plots` in a real browser, with the network cut off."""

import io
import re
import shutil
import subprocess
import sys

import yaml
from made_reports import ROOT, committed_verdicts, make, with_first_cell
from PIL import Image

from pitfalls.project import RELEASE
from pitfalls.stages.report import write_report

DRAWN = ".vega-embed canvas, .vega-embed svg"


def dvc(folder, *words):
    """Run DVC in a folder."""
    ran = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def begin(folder, *options):
    """Make a DVC project that has this one's plots and nothing else of it."""
    dvc(folder, "init", "--quiet", *options)
    shutil.copytree(ROOT / ".dvc" / "plots", folder / ".dvc" / "plots")
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))


def git(folder, *words):
    """Run Git in a folder, as somebody."""
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def assert_drawn(seen):
    """Both plots are drawn, without an error and without a request to any host."""
    seen.page.wait_for_function(
        "document.querySelectorAll('.vega-embed canvas, .vega-embed svg.marks').length === 2"
    )
    assert [line for line in seen.console if line.startswith("error")] == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    for chart in seen.page.locator(".vega-embed").all():
        assert len(Image.open(io.BytesIO(chart.screenshot())).convert("RGB").getcolors(2**24)) > 20


def test_dvc_plots_opens_without_a_network(tmp_path, open_page):
    """Both plots are drawn, wherever the page is written to, and nothing is asked of a network."""
    begin(tmp_path, "--no-scm")
    dvc(tmp_path, "config", "core.no_scm", "true")
    write_report(*make(tmp_path, committed_verdicts()), ROOT)
    shutil.copytree(tmp_path / "reports" / "plots", tmp_path / RELEASE / "plots")
    dvc(tmp_path, "plots", "show", "--out", "elsewhere")
    assert_drawn(open_page(tmp_path / "elsewhere" / "index.html", wait=DRAWN))


def test_two_releases_are_drawn_over_each_other_without_a_network(tmp_path, open_page):
    """Git holds the data of the plots, so an earlier release needs no cache and no training."""
    git(tmp_path, "init", "--quiet")
    begin(tmp_path)
    shutil.copy(ROOT / ".gitignore", tmp_path / ".gitignore")
    before = committed_verdicts()
    after = with_first_cell(before, measured=123.45)
    for verdicts in (before, after):
        write_report(*make(tmp_path, verdicts), ROOT)
        shutil.copytree(tmp_path / "reports" / "plots", tmp_path / RELEASE / "plots", dirs_exist_ok=True)
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "--message", "A release")
    held = git(tmp_path, "ls-files", "reports", "runs").split()
    assert held == [f"{RELEASE}/plots/claims.csv", f"{RELEASE}/plots/loss.csv"]
    dvc(tmp_path, "plots", "diff", "HEAD~1", "--out", "elsewhere")
    page = tmp_path / "elsewhere" / "index.html"
    assert_drawn(open_page(page, wait=DRAWN))
    rows = re.findall(r'"measured": "?([\d.e-]+)"?[^}]*?"rev": "([^"]+)"', page.read_text())
    changed = str(before.cells[0].measured)[:5]
    assert {rev for _, rev in rows} == {"HEAD~1", "workspace"}
    assert [rev for measured, rev in rows if measured == "123.45"] == ["workspace"]
    assert [rev for measured, rev in rows if measured.startswith(changed)].count("HEAD~1") >= 1
