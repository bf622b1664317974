"""Stories: a cell in words, and the answer to whether a bug bites."""

import pytest
from made_reports import committed_verdicts, made_material

from pitfalls.project import Cell
from pitfalls.report.page.answers import answers
from pitfalls.report.page.stories import heat_maps, stories_of
from pitfalls.report.words import losses_text, sentence, shape_texts, short, tolerance_text
from pitfalls.results import Shapes
from pitfalls.verdicts.effects import worst_of


def cells_of(material):
    """Return the place of each cell in the maps: a story or None."""
    maps = heat_maps(stories_of(material), material)
    return [story for map in maps for row in map.rows for story in row.stories]


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


def test_every_cell_has_a_place_in_a_map(material):
    """A map for each model, a row for each generator, a column for each runtime."""
    cells = cells_of(material)
    assert len(cells) == len(material.verdicts.cells) == 72 and all(cells)


def test_a_cell_that_was_not_run_leaves_its_place_empty(material):
    """A matrix that was run in part keeps its shape."""
    missing = material.verdicts.cells.pop()
    assert missing.cell not in stories_of(material)
    assert cells_of(material).count(None) == 1


def test_a_story_tells_how_to_run_the_cell_again(material):
    """The line is one that src/train.py takes."""
    story = stories_of(material)[Cell("keras3", "reused_inputs_aligned", "dense")]
    assert story.command == (
        "python src/train.py runtime=keras3 generator=reused_inputs_aligned model=dense seed=0"
    )


@pytest.mark.parametrize(
    ("generator", "model", "bugs"),
    [
        ("reused_inputs", "dense", ["aliasing"]),
        ("reused_inputs", "flat_mean_lambda", ["aliasing", "broadcasting"]),
        ("flat_labels", "dense", ["broadcasting"]),
        ("fresh_arrays", "dense", []),
    ],
)
def test_a_story_names_the_bugs_of_its_cell(material, generator, model, bugs):
    """Which bugs a cell carries follows from its mechanism, not from its name."""
    assert stories_of(material)[Cell("keras2", generator, model)].entry.bugs == bugs


def answers_under(runtime, material):
    """Return what is answered for aliasing and for broadcasting under a runtime."""
    return next(answer for answer in answers(material) if answer.runtime == runtime).bugs


def situations(bug):
    """Return the situations of each effect of a bug."""
    return {outcome.effect: outcome.when for outcome in bug.outcomes}


def test_each_bug_is_counted_where_it_is_alone(material):
    """Under fit(generator) aliasing bites on aligned buffers only, and broadcasting is hidden everywhere."""
    aliasing, broadcasting = answers_under("keras3", material)
    assert aliasing.count == "bites in 2 of 6 cells"
    assert broadcasting.count == "hidden in all 5 cells"


def test_an_answer_names_the_address_only_where_it_decides(material):
    """Under fit(generator) the address of the buffer decides; in a queue of references it does not matter."""
    aliasing, _ = answers_under("keras3", material)
    assert situations(aliasing) == {
        "bites": ["the inputs are refilled in one buffer at an address that is a multiple of 64"],
        "repaired": [
            "the inputs are refilled in one buffer at any other address",
            "inputs and labels are refilled together",
        ],
    }
    aliasing, _ = answers_under("custom_loop", material)
    assert situations(aliasing) == {
        "bites": ["the inputs are refilled in one buffer"],
        "masked": ["inputs and labels are refilled together"],
    }


def test_an_answer_follows_from_the_verdicts(material):
    """If the loss is hand-written and labels lack an axis, it bites; were it repaired, the answer would say so."""
    _, broadcasting = answers_under("custom_loop", material)
    assert situations(broadcasting) == {
        "bites": ["only the predictions lack their last axis", "only the labels lack their last axis"],
        "masked": ["labels and predictions both lack their last axis"],
    }
    material.verdicts.cells[:] = [entry.with_changes(effect="repaired") for entry in material.verdicts.cells]
    _, broadcasting = answers_under("custom_loop", material)
    assert list(situations(broadcasting)) == ["repaired"] and broadcasting.count == "hidden in all 5 cells"


def test_without_runs_a_situation_is_named_by_its_options(material):
    """In a clone there are verdicts only, and no shapes or addresses."""
    material.runs.clear()
    _, broadcasting = answers_under("keras2", material)
    assert "flat_labels feeds dense" in situations(broadcasting)["repaired"]


def test_a_bug_that_no_cell_carries_was_not_tried(material):
    """Silence about a bug is not said to be safety."""
    fresh = [entry for entry in material.verdicts.cells if entry.cell.generator == "fresh_arrays"]
    material.verdicts.cells[:] = fresh
    aliasing = answers(material)[0].bugs[0]
    assert (aliasing.bug, aliasing.count, aliasing.outcomes) == ("aliasing", "not tried", [])


def test_a_fixed_model_is_not_said_to_learn_the_wrong_thing(material):
    """It has no weights: what it pays is the loss. A model that learns is another matter."""
    stories = stories_of(material)
    fixed = stories[Cell("keras2", "reused_inputs", "mean_lambda")]
    trained = stories[Cell("keras2", "reused_inputs", "dense")]
    assert "it pays for the bug in its loss, and its answers are right" in fixed.meaning
    assert "the model learns the wrong thing" in trained.meaning
    material.runs.clear()
    unknown = stories_of(material)[Cell("keras2", "reused_inputs", "mean_lambda")]
    assert "a model that learns" in unknown.meaning and "a fixed model" in unknown.meaning


def test_seeds_that_disagree_take_the_worst_colour():
    """A cell that bites at one seed is not shown as safe."""
    assert worst_of("bites or repaired") == "bites" and worst_of("masked or repaired") == "masked"


@pytest.mark.parametrize(
    ("loss", "text"), [(0.0, "0"), (0.002876, "0.0029"), (416.99, "417"), (1685.2, "1685")]
)
def test_a_loss_fits_into_a_cell_of_the_map(loss, text):
    """Five characters at most for the losses that occur."""
    assert short(loss) == text


def test_a_sentence_that_begins_with_code_keeps_its_case():
    """fit_generator is a name."""
    assert sentence("fit_generator as it was.") == "fit_generator as it was."
    assert sentence("what people write.") == "What people write."


def test_a_repaired_difference_is_shown_before_and_after():
    """Where Keras stepped in, both shapes are shown; elsewhere one."""
    met = {"inputs": (64, 2), "labels": (64,), "declared_output": (None, 1), "prediction": (64, 1)}
    repaired, untouched = (
        shape_texts(Shapes(**met, loss_difference=(64, 1), loss_difference_before_repair=before))
        for before in ((64, 64), (64, 1))
    )
    assert ("difference, unrepaired", "(64, 64)") in repaired
    assert [name for name, _ in untouched] == ["labels", "prediction", "difference in the loss"]


@pytest.mark.parametrize(
    ("tolerance", "text"),
    [(0.0, "0"), (8.33e-05, "0.000083"), (7.17, "7.2"), (38.36, "38"), (131.2, "130"), (2.5e-8, "2.5e-8")],
)
def test_a_tolerance_has_two_digits_and_no_needless_exponent(tolerance, text):
    """130, not 1.3e+02."""
    assert tolerance_text(tolerance) == text


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ([0.0] * 5, "0, 0, 0, 0, 0 in epochs 1 to 5"),
        ([9.0] * 97 + [415.05, 416.69, 417.24], "415.05, 416.69, 417.24 in epochs 98 to 100"),
        ([9.0] * 27 + [1.5, 0.0031, 0.00287], "1.50, 0.0031, 0.00287 in epochs 28 to 30"),
    ],
)
def test_a_long_run_is_told_from_its_end(losses, text):
    """As the article printed listing 1; a loss that is nearly 0 is not printed as 0.00."""
    assert losses_text(losses) == text
