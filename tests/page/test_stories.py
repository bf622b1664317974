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


def test_each_bug_is_counted_where_it_is_alone(material):
    """Under fit(generator) aliasing bites on aligned buffers only, and broadcasting never."""
    keras3 = next(answer for answer in answers(material) if answer.runtime == "keras3")
    aliasing, broadcasting = keras3.bugs
    assert (aliasing.bitten, aliasing.of, aliasing.by) == (2, 6, ["reused_inputs_aligned"])
    assert (broadcasting.bitten, broadcasting.of, broadcasting.word) == (0, 5, "stays hidden")


def test_a_bug_that_no_cell_carries_was_not_tried(material):
    """Silence about a bug is not said to be safety."""
    fresh = [entry for entry in material.verdicts.cells if entry.cell.generator == "fresh_arrays"]
    material.verdicts.cells[:] = fresh
    aliasing = answers(material)[0].bugs[0]
    assert (aliasing.bug, aliasing.word, aliasing.of) == ("aliasing", "not tried", 0)


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
    """Where Keras stepped in, both shapes are told; elsewhere one."""
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
