"""The guard's part of the page: what it said of each generator and cell, or nothing at all."""

import pytest
from made_frameworks import every_framework
from made_reports import (
    ALIASED,
    ROOT,
    committed_verdicts,
    made_material,
    made_page,
    make,
    with_first_cell,
    with_guard,
)

from pitfalls.errors import ResultError
from pitfalls.guard.findings import RULES
from pitfalls.project import Cell
from pitfalls.report.material import gather
from pitfalls.report.page import write_page
from pitfalls.report.page.rules import rules_table
from pitfalls.report.page.stories import stories_of
from pitfalls.results import Fired
from pitfalls.verdicts.guard import CheckedGenerator


@pytest.fixture
def guarded(tmp_path):
    verdicts, guard = with_guard(committed_verdicts())
    return made_material(tmp_path, verdicts, guard=guard)


def unguarded():
    """Return verdicts without a word of the guard."""
    verdicts = committed_verdicts()
    return verdicts.with_changes(cells=[entry.with_changes(guard=None) for entry in verdicts.cells])


def marks(table, generator):
    """Return a generator's row: what each rule says of it."""
    row = next(row for row in table.rows if row.generator == generator)
    return dict(zip(table.rules, (mark.text for mark in row.marks), strict=True))


def test_the_table_names_the_guard_s_own_rules(guarded):
    """The page does not import the guard: its rules and their meanings are the same, in the same order."""
    assert list(rules_table(guarded).rules.items()) == list(RULES.items())


def test_a_rule_fires_on_a_generator_or_on_the_models_that_it_feeds(guarded):
    """Of the three models, one is short of an axis; with flat labels it is the other two."""
    table = rules_table(guarded)
    assert marks(table, "reused_inputs")["aliased-batch"] == "fires"
    assert marks(table, "fresh_arrays")["aliased-batch"] == "quiet"
    assert marks(table, "fresh_arrays")["broadcast-loss"] == "4 of 12 cells"
    assert marks(table, "flat_labels")["broadcast-loss"] == "8 of 12 cells"


def test_generators_stand_in_the_order_of_the_matrix(guarded):
    """One that the matrix does not run comes last."""
    guarded.guard.generators.insert(0, CheckedGenerator(generator="another", status="clean"))
    shown = [row.generator for row in rules_table(guarded).rows]
    assert shown == [*guarded.axes["generator"], "another"]


def test_a_generator_that_could_not_be_checked_is_not_said_to_be_quiet(tmp_path):
    """Silence would be taken for safety."""
    verdicts, guard = with_guard(committed_verdicts())
    first, *others = guard.generators
    failed = first.with_changes(status="error", findings=[])
    guard = guard.with_changes(generators=[failed, *others])
    text = made_page(tmp_path, verdicts, guard=guard).read_text()
    assert text.count("could not be checked") == 1


def test_a_story_says_which_rules_fired_and_the_first_finding(guarded):
    """The finding of the generator comes before the model's."""
    stories = stories_of(guarded)
    says = stories[Cell("keras2", "reused_inputs", "flat_mean_lambda")].guard
    assert says.fired == ["aliased-batch", "broadcast-loss"]
    assert says.finding == ALIASED and says.as_expected
    assert stories[Cell("keras2", "fresh_arrays", "dense")].guard.finding is None


@pytest.mark.parametrize(
    ("expected", "as_expected"),
    [
        (["aliased-batch"], True),
        (["aliased-batch", "broadcast-loss"], False),
        (["declared-shape"], False),
        ([], False),
    ],
)
def test_a_story_says_whether_the_guard_should_have_said_so(tmp_path, expected, as_expected):
    """What fired is compared with what must, by name."""
    verdicts = with_first_cell(committed_verdicts(), guard=Fired(fired=["aliased-batch"], expected=expected))
    story = stories_of(made_material(tmp_path, verdicts))[verdicts.cells[0].cell]
    assert story.guard.as_expected is as_expected


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "not asked"])
def test_the_page_shows_the_guard_only_if_it_was_asked(tmp_path, asked):
    """Without guard.json there is no section, no link to it and no word in a story."""
    verdicts, guard = with_guard(committed_verdicts()) if asked else (unguarded(), None)
    text = made_page(tmp_path, verdicts, guard=guard).read_text()
    for sign in ('id="guard"', 'href="#guard"', "The guard says:"):
        assert (sign in text) is asked
    assert ("batch 0 changed &lt;after&gt;" in text) is asked


def test_a_cell_that_was_not_checked_says_nothing(tmp_path):
    """The verdicts may be newer than the guard's report, and hold null."""
    _, guard = with_guard(committed_verdicts())
    assert "The guard says:" not in made_page(tmp_path, unguarded(), guard=guard).read_text()


def test_a_runtime_that_the_guard_does_not_know_is_not_said_to_be_quiet(tmp_path):
    """The table names it, its stories say so, and what is counted is the other runtimes."""
    material = every_framework(tmp_path)
    table = rules_table(material)
    assert table.unknown == material.frameworks["jax"] + material.frameworks["torch"]
    assert marks(table, "flat_labels")["broadcast-loss"] == "8 of 12 cells"
    unknown = {cell.runtime for cell, story in stories_of(material).items() if story.is_unknown_to_guard}
    assert unknown == set(table.unknown)
    text = write_page(material, tmp_path).read_text()
    assert text.count("was not asked about this runtime here") == 222 - 72
    assert text.count("The guard says:") == 72
    assert "The guard does not know every runtime yet" in text


def test_a_guard_that_knows_every_runtime_says_nothing_of_it(guarded, tmp_path):
    """Nor does a page without a word of the guard."""
    assert rules_table(guarded).unknown == []
    without = made_page(tmp_path / "without", unguarded()).read_text()
    assert "does not know" not in write_page(guarded, tmp_path).read_text() + without


def test_a_damaged_report_of_the_guard_is_an_error(tmp_path):
    """Half a file is not taken for silence."""
    runs, reports = make(tmp_path, committed_verdicts())
    (reports / "guard.json").write_text("{")
    with pytest.raises(ResultError, match=r"guard\.json is no complete JSON"):
        gather(runs, reports, ROOT)
