"""A report that is older than the runs says so on its first screen, until it is written anew."""

import re

import pytest
from made_reports import ROOT, committed_verdicts, make

from pitfalls.report.older import is_marked, mark_older
from pitfalls.stages.report import write_report

MARK = (
    r'<p class="older" role="status"><strong>Older than the runs:</strong> since \d\d \w+ \d{4}, \d\d:\d\d, runs of '
    r"<code>matrix</code> are being trained again\. <code>dvc repro</code> writes this page anew\.</p>"
)


@pytest.fixture
def reports(tmp_path):
    """A folder with the whole report, as the stage wrote it."""
    runs, reports = make(tmp_path, committed_verdicts())
    write_report(runs, reports, ROOT)
    return reports


def test_the_page_says_so_before_anything_else(reports):
    """Above the title, in words that are on the page once."""
    page = reports / "index.html"
    before = page.read_text()
    mark_older(page, "matrix")
    after = page.read_text()
    assert re.sub(MARK, "", after) == before
    assert after.index("Older than the runs") < after.index("<h1>")
    assert ".older {" in after


def test_the_tables_say_so_in_their_first_line(reports):
    """A quotation in Markdown."""
    before = (reports / "matrix.md").read_text()
    mark_older(reports / "index.html", "matrix")
    first, empty, *others = (reports / "matrix.md").read_text().split("\n")
    assert re.fullmatch(
        r"> \*\*Older than the runs:\*\* since \d\d \w+ \d{4}, \d\d:\d\d, runs of `matrix` are being trained again\. "
        "`dvc repro` writes this file anew\\.",
        first,
    )
    assert (empty, "\n".join(others)) == ("", before)


def test_a_later_mark_takes_the_place_of_an_earlier_one(reports):
    """However often training begins."""
    page = reports / "index.html"
    for sweep in ("matrix", "article", "alignment"):
        mark_older(page, sweep)
    for text in (page.read_text(), (reports / "matrix.md").read_text()):
        assert len(re.findall("Older than the runs", text)) == 1
    assert "<code>alignment</code> are being trained" in page.read_text()


def test_a_page_that_is_written_anew_says_it_no_more(tmp_path, reports):
    """And is the page that it was."""
    page = reports / "index.html"
    before = {path.name: path.read_bytes() for path in reports.glob("*.*")}
    assert not is_marked(page)
    mark_older(page, "matrix")
    assert is_marked(page)
    write_report(tmp_path / "runs", reports, ROOT)
    assert not is_marked(page)
    assert {path.name: path.read_bytes() for path in reports.glob("*.*")} == before


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"a page of an earlier version"])
def test_what_cannot_be_marked_stays_as_it_is(tmp_path, content):
    """No training fails for a report that is not there, damaged, or of another form; nothing is made."""
    page = tmp_path / "index.html"
    if content is not None:
        page.write_bytes(content)
    mark_older(page, "matrix")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if content is None else [content])


def test_a_name_is_no_markup(tmp_path):
    """A sweep's name is checked elsewhere; here it is text whatever it is."""
    page = tmp_path / "index.html"
    page.write_text("<!-- older --><!-- /older -->")
    mark_older(page, "<script>\\1")
    assert "<code>&lt;script&gt;\\1</code>" in page.read_text()
