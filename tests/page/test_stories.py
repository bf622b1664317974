"""Stories: a cell in words, in its place on the map, beside its twins."""

import pytest
from made_frameworks import ADDED, every_framework
from made_reports import committed_verdicts, made_material

from pitfalls.project import Cell
from pitfalls.report.page.maps import groups, heat_maps
from pitfalls.report.page.stories import stories_of
from pitfalls.report.words import losses_text, sentence, shape_texts, short, tolerance_text
from pitfalls.results import Shapes
from pitfalls.verdicts.effects import worst_of


def cells_of(material):
    """Return what stands in each place of the maps: a story, `not run`, or nothing."""
    maps = heat_maps(stories_of(material), material)
    places = [place for map in maps for row in map.rows for place in row.places]
    return [place.story or ("not run" if place.exists else "") for place in places]


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


def test_every_cell_has_a_place_in_a_map(material):
    """A map for each model, a row for each generator, a column for each runtime."""
    cells = cells_of(material)
    assert {story.cell for story in cells} == {entry.cell for entry in material.verdicts.cells}
    assert len(cells) == 72


def test_a_cell_that_was_not_run_says_so_in_its_place(material):
    """A matrix that was run in part keeps its shape."""
    missing = material.verdicts.cells.pop()
    assert missing.cell not in stories_of(material)
    assert cells_of(material).count("not run") == 1


def test_a_pair_that_does_not_exist_is_blank_until_it_is_missed(tmp_path):
    """Twelve runtimes take 74 pairs of 120; one more that params.yaml lists and nobody ran is not blank."""
    material = every_framework(tmp_path)
    taken = 4 * 6 + sum(len(generators) for runtimes in ADDED.values() for generators in runtimes.values())
    assert taken == 74
    assert cells_of(material).count("") == 3 * (12 * 10 - taken)
    material.verdicts.missing.append("torch_collate / fresh_arrays / dense / 0")
    assert cells_of(material).count("") == 3 * (12 * 10 - taken - 1)
    assert cells_of(material).count("not run") == 3


def test_runtimes_of_one_framework_stand_together_under_its_name(tmp_path):
    """In the order of params.yaml, and each group begins where the one before ends."""
    material = every_framework(tmp_path)
    assert [group.name for group in groups(material)] == ["TensorFlow", "JAX", "PyTorch"]
    assert [runtime for group in groups(material) for runtime in group.runtimes] == material.axes["runtime"]
    for row in heat_maps(stories_of(material), material)[0].rows:
        begins = [at for at, place in enumerate(row.places) if place.begins_group]
        assert begins == [0, 4, 7]


def test_stories_are_in_the_order_of_the_maps(tmp_path):
    """So that the next story is that of the next place."""
    material = every_framework(tmp_path)
    assert list(stories_of(material).values()) == [place for place in cells_of(material) if place]


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
