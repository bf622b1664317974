"""Stories: a cell in words, and the answer to whether a bug bites."""

import pytest
from made_reports import ROOT, committed_verdicts, make

from pitfalls.report.page.gathering import gather
from pitfalls.report.page.stories import answers, heat_maps, sentence, shape_rows, short, stories, tone


@pytest.fixture
def material(tmp_path):
    return gather(*make(tmp_path, committed_verdicts()), ROOT)


def test_every_cell_has_a_place_in_a_map(material):
    """A map for each model, a row for each generator, a column for each runtime."""
    cells = [one for map in heat_maps(material) for row in map["rows"] for one in row["cells"]]
    assert len(cells) == len(material.verdicts["cells"]) and all(cells)


def test_a_cell_that_was_not_run_leaves_its_place_empty(material):
    """A matrix that was run in part keeps its shape."""
    missing = material.verdicts["cells"].pop()
    told = stories(material)
    assert tuple(missing["cell"].values()) not in told
    assert None in [one for map in heat_maps(material) for row in map["rows"] for one in row["cells"]]


def test_a_story_tells_how_to_run_the_cell_again(material):
    """The line is one that src/train.py takes."""
    told = stories(material)["keras3", "reused_inputs_aligned", "dense"]
    assert told["command"] == (
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
    assert stories(material)["keras2", generator, model]["bugs"] == bugs


def test_each_bug_is_counted_where_it_is_alone(material):
    """Under fit(generator) aliasing bites on aligned buffers only, and broadcasting never."""
    keras3 = next(answer for answer in answers(material) if answer["runtime"] == "keras3")
    aliasing, broadcasting = keras3["bugs"]
    assert (aliasing["bitten"], aliasing["of"], aliasing["by"]) == (2, 6, ["reused_inputs_aligned"])
    assert (broadcasting["bitten"], broadcasting["of"], broadcasting["word"]) == (0, 5, "stays hidden")


def test_a_bug_that_no_cell_carries_was_not_tried(material):
    """Silence about a bug is not said to be safety."""
    material.verdicts["cells"] = [
        e for e in material.verdicts["cells"] if e["cell"]["generator"] == "fresh_arrays"
    ]
    told = answers(material)[0]["bugs"][0]
    assert (told["bug"], told["word"], told["of"]) == ("aliasing", "not tried", 0)


def test_seeds_that_disagree_take_the_worst_colour():
    """A cell that bites at one seed is not shown as safe."""
    assert tone("bites or repaired") == "bites" and tone("masked or repaired") == "masked"


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
    shapes = {"labels": [64], "prediction": [64, 1], "loss_difference": [64, 1]}
    repaired = shape_rows(shapes | {"loss_difference_before_repair": [64, 64]})
    untouched = shape_rows(shapes | {"loss_difference_before_repair": [64, 1]})
    assert ("difference, unrepaired", "(64, 64)") in repaired
    assert [name for name, _ in untouched] == ["labels", "prediction", "difference in the loss"]
