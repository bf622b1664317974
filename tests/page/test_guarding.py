"""The guard's part of the page: what it said of each generator and cell, or nothing at all."""

import pytest
from made_reports import ALIASED, ROOT, committed_verdicts, make, with_guard, write

from pitfalls.errors import ResultError
from pitfalls.report.page import write_page
from pitfalls.report.page.gathering import gather
from pitfalls.report.page.guarding import guard_table
from pitfalls.report.page.stories import stories


@pytest.fixture
def guarded(tmp_path):
    verdicts, guard = with_guard(committed_verdicts())
    return gather(*make(tmp_path, verdicts, guard=guard), ROOT)


def marks(table, generator):
    """Return a generator's row: what each rule says of it."""
    row = next(one for one in table["rows"] if one["generator"] == generator)
    return dict(zip(table["rules"], (mark["text"] for mark in row["marks"]), strict=True))


def test_a_rule_fires_on_a_generator_or_on_the_models_that_it_feeds(guarded):
    """Of the three models, one is short of an axis; with flat labels it is the other two."""
    table = guard_table(guarded)
    assert marks(table, "reused_inputs")["aliased-batch"] == "fires"
    assert marks(table, "fresh_arrays")["aliased-batch"] == "quiet"
    assert marks(table, "fresh_arrays")["broadcast-loss"] == "4 of 12 cells"
    assert marks(table, "flat_labels")["broadcast-loss"] == "8 of 12 cells"


def test_generators_stand_in_the_order_of_the_matrix(guarded):
    """One that the matrix does not run comes last."""
    guarded.guard["generators"].insert(0, {"generator": "another", "status": "clean", "findings": []})
    shown = [row["generator"] for row in guard_table(guarded)["rows"]]
    assert shown == [*guarded.axes["generator"], "another"]


def test_a_generator_that_could_not_be_checked_is_not_said_to_be_quiet(tmp_path):
    """Silence would be taken for safety."""
    verdicts, guard = with_guard(committed_verdicts())
    guard["generators"][0] |= {"status": "error", "findings": []}
    text = write_page(*make(tmp_path, verdicts, guard=guard)).read_text()
    assert text.count("could not be checked") == 1


def test_a_story_says_which_rules_fired_and_the_first_finding(guarded):
    """The finding of the generator comes before the model's."""
    told = stories(guarded)["keras2", "reused_inputs", "flat_mean_lambda"]["guard"]
    assert told["fired"] == ["aliased-batch", "broadcast-loss"]
    assert told["finding"] == ALIASED and told["as_expected"]
    assert stories(guarded)["keras2", "fresh_arrays", "dense"]["guard"]["finding"] is None


@pytest.mark.parametrize(
    ("expected", "as_expected"),
    [(True, True), (False, False), (["aliased-batch"], True), ([], False)],
)
def test_a_story_says_whether_the_guard_should_have_said_so(guarded, expected, as_expected):
    """Told by name or as yes and no."""
    entry = guarded.verdicts["cells"][0]
    entry["guard"] = {"fired": ["aliased-batch"], "expected": expected}
    told = stories(guarded)[tuple(entry["cell"].values())]["guard"]
    assert told["as_expected"] is as_expected


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not asked"])
def test_the_page_shows_the_guard_only_if_it_was_asked(tmp_path, asked):
    """Without guard.json there is no section, no link to it and no word in a story."""
    verdicts, guard = with_guard(committed_verdicts()) if asked else (committed_verdicts(), None)
    if not asked:
        for entry in verdicts["cells"]:
            entry["guard"] = None
    text = write_page(*make(tmp_path, verdicts, guard=guard)).read_text()
    for sign in ('id="guard"', 'href="#guard"', "The guard says:"):
        assert (sign in text) is asked
    assert ("batch 0 changed &lt;after&gt;" in text) is asked


def test_a_cell_that_was_not_checked_says_nothing(tmp_path):
    """The verdicts may be newer than the guard's report, and hold null."""
    verdicts, guard = with_guard(committed_verdicts())
    for entry in verdicts["cells"]:
        entry["guard"] = None
    assert "The guard says:" not in write_page(*make(tmp_path, verdicts, guard=guard)).read_text()


def test_a_damaged_report_of_the_guard_is_an_error(tmp_path):
    """Half a file is not taken for silence."""
    runs, reports = make(tmp_path, committed_verdicts())
    write(reports / "guard.json", {})
    (reports / "guard.json").write_text("{")
    with pytest.raises(ResultError, match=r"guard\.json is no complete JSON"):
        gather(runs, reports, ROOT)
