"""Rendering: one file that needs no other, whatever was measured."""

import copy
import re
from html.parser import HTMLParser

import pytest
from made_reports import ROOT, committed_verdicts, make, result, with_a_failure, write

from pitfalls.report.page import offline, write_page
from pitfalls.report.page.formulas import closed_forms, explained
from pitfalls.report.page.rendering import as_json, breakable
from pitfalls.report.plots import write_report

FIVE_MEGABYTES = 5 * 2**20


class Page(HTMLParser):
    """Collects identifiers, links to other files and figures without words."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.loads, self.wordless = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        if "id" in told:
            self.ids.append(told["id"])
        loads = told.get("src") or (told.get("href") if tag == "link" else None)
        if loads and not loads.startswith("data:"):
            self.loads.append(loads)
        if told.get("role") == "img" and not (told.get("aria-label") or told.get("aria-labelledby")):
            self.wordless.append(self.get_starttag_text())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return write_page(*make(folder, committed_verdicts())).read_text()


def without_scripts(text):
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_the_report_stage_writes_the_page(tmp_path):
    """The page stands beside the tables and the data of the plots."""
    runs, reports = make(tmp_path, committed_verdicts())
    write_report(runs, reports)
    assert {path.name for path in reports.iterdir()} == {"index.html", "matrix.md", "plots", "verdicts.json"}


def test_the_page_loads_nothing(page):
    """No script, style, font or picture comes from anywhere else."""
    assert Page(page).loads == []
    assert "@import" not in page and "url(" not in without_scripts(page)


def test_the_page_is_small(page):
    """It can be sent by mail."""
    assert len(page.encode()) < FIVE_MEGABYTES


def test_identifiers_are_unique(page):
    """Every cell's link leads to its own story."""
    ids = Page(page).ids
    assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(page):
    """A cell without a story would be a dead end."""
    targets = re.findall(r'href="#([^"$]+)"', without_scripts(page))
    assert set(targets) <= set(Page(page).ids) and len(targets) > 72


def test_every_figure_has_words(page):
    """A figure that cannot be seen is told."""
    assert Page(page).wordless == []


def test_the_page_names_no_place_on_this_machine(page):
    """It can be shown to anybody."""
    assert str(ROOT) not in page and "/tmp/" not in page


def test_all_that_holds_shows_no_failure(page):
    """The section of failures is absent, not empty."""
    assert 'id="failed"' not in page and "72 of 72 cells hold" in page


def test_failures_come_first(tmp_path):
    """A reader meets what failed before the answer, with its reason, and the text cannot break the page."""
    text = write_page(*make(tmp_path, with_a_failure(committed_verdicts()))).read_text()
    assert (
        text.index("<h1>")
        < text.index('id="failed"')
        < text.index('class="lede"')
        < text.index('id="answer"')
    )
    assert "the loss is &lt;12.5&gt;" in text and "result.json is no complete JSON" in text
    assert "71 of 72 cells hold" in text


def test_a_page_without_runs_says_what_is_missing(tmp_path):
    """In a clone there are verdicts only: the page is made, and names the command for the rest."""
    write(tmp_path / "reports" / "verdicts.json", committed_verdicts())
    text = write_page(tmp_path / "runs", tmp_path / "reports").read_text()
    assert "The lottery has not been measured here." in text and "dvc repro alignment" in text


def test_a_page_without_listings_says_so(tmp_path):
    """The article's listings can be run later than the matrix."""
    verdicts = committed_verdicts() | {"listings": [], "probes": []}
    text = write_page(*make(tmp_path, verdicts, lottery=False)).read_text()
    assert text.count("Not run yet.") == 8


def test_a_new_generator_appears_by_itself(tmp_path):
    """One function, one file in conf/, one word in params.yaml: the page needs no change."""
    verdicts = committed_verdicts()
    entry = copy.deepcopy(verdicts["cells"][0])
    entry["cell"]["generator"] = "shuffled_in_place"
    verdicts["cells"].append(entry)
    runs, reports = make(tmp_path, verdicts)
    text = write_page(runs, reports).read_text()
    assert f'id="{"/".join(entry["cell"].values())}"' in text and "not run" in text


def test_another_task_gets_its_own_closed_forms(tmp_path):
    """Nothing on the page takes 100 and 64 for granted."""
    verdicts = committed_verdicts() | {"listings": []}
    runs, reports = make(tmp_path, verdicts | {"cells": []}, lottery=False)
    entry = verdicts["cells"][0]
    cell = entry["cell"] | {"seed": 0}
    write(reports / "verdicts.json", verdicts | {"cells": [entry | {"seeds": [0]}]})
    made = result(cell, entry) | {"task": {"high": 10, "batch_size": 16}, "prediction": None}
    write(runs / "matrix" / "a" / "result.json", made)
    text = without_scripts(write_page(runs, reports).read_text())
    assert "<strong>4.125</strong>" in text and "(16, 16)" in text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("0", ""),
        ("V", "V = 416.625 is the variance of the mean"),
        ("B = 2 V (1 - 1/b)", "V = 416.625 is the variance of the mean, b = 64 is the batch size"),
        ("q S", "q is the share of rows that were measured apart, S = 2 V = 833.25"),
    ],
)
def test_the_letters_of_a_formula_are_explained(formula, text):
    """A reader meets no letter without its meaning, and no meaning without its letter."""
    assert explained(formula, closed_forms(100, 64)) == text


def test_json_cannot_close_its_script():
    """A text with a tag in it stays text."""
    assert "</script>" not in as_json({"reason": "</script><b>"})


def test_a_name_breaks_behind_its_underscores_only():
    """Names are text: what stands in them is escaped."""
    assert breakable("a_<b>") == "a_<wbr>&lt;b&gt;"


def test_the_template_of_dvc_plots_is_what_the_module_writes():
    """The committed template is made from the committed library: `python -m pitfalls.report.page.offline`."""
    assert (ROOT / ".dvc" / "plots" / "offline.html").read_text() == offline.page()


def test_the_template_of_dvc_plots_loads_nothing():
    """DVC puts its figures in; the place for its own scripts, which need a network, is left out."""
    template = offline.page()
    assert Page(template).loads == []
    assert "{plot_divs}" in template and "{scripts}" not in template
