"""The page of `dvc plots` in a real browser, with the network cut off."""

import io
import shutil
import subprocess
import sys

import yaml
from made_reports import ROOT, committed_verdicts, make
from PIL import Image

from pitfalls.report import write_report


def dvc(folder, *words):
    """Run DVC in a folder."""
    ran = subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_dvc_plots_opens_without_a_network(tmp_path, open_page):
    """Both plots are drawn, wherever the page is written to, and nothing is asked of a network."""
    dvc(tmp_path, "init", "--no-scm", "--quiet")
    shutil.copytree(ROOT / ".dvc" / "plots", tmp_path / ".dvc" / "plots")
    shutil.copy(ROOT / ".dvc" / "config", tmp_path / ".dvc" / "config")
    dvc(tmp_path, "config", "core.no_scm", "true")
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"plots": plots}))
    write_report(*make(tmp_path, committed_verdicts()))
    dvc(tmp_path, "plots", "show", "--out", "elsewhere")
    seen = open_page(tmp_path / "elsewhere" / "index.html", wait=".vega-embed canvas, .vega-embed svg")
    seen.page.wait_for_function(
        "document.querySelectorAll('.vega-embed canvas, .vega-embed svg.marks').length === 2"
    )
    assert [line for line in seen.console if line.startswith("error")] == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []
    for chart in seen.page.locator(".vega-embed").all():
        assert len(Image.open(io.BytesIO(chart.screenshot())).convert("RGB").getcolors(2**24)) > 20
