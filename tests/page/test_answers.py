"""Answers: whether a bug bites, asked first for the framework and then for the way to train."""

import pytest
from made_frameworks import ADDED, every_framework
from made_reports import committed_verdicts, made_material, made_page

from pitfalls.report.page import write_page
from pitfalls.report.page.answers import BugAnswer, answers
from pitfalls.verdicts.effects import EFFECTS


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


def test_each_framework_answers_for_its_own_runtimes(tmp_path):
    """In the order of params.yaml, under the names that the frameworks write themselves."""
    material = every_framework(tmp_path)
    answered = {
        framework.name: [answer.runtime for answer in framework.runtimes] for framework in answers(material)
    }
    assert list(answered) == ["TensorFlow", "JAX", "PyTorch"]
    assert answered["TensorFlow"] == ["keras2", "keras3", "keras3_workers", "custom_loop"]
    assert set(answered["JAX"]) == set(ADDED["jax"]) and set(answered["PyTorch"]) == set(ADDED["torch"])


def test_a_framework_that_nobody_knows_answers_under_its_own_word(material):
    """Its results name it, and no list has to."""
    material.frameworks["mlx"] = ["another"]
    material.axes["runtime"].append("another")
    assert [framework.name for framework in answers(material)] == ["TensorFlow", "mlx"]


def test_one_framework_is_not_asked_for(tmp_path):
    """With two or more there is a choice, of which the first is taken; it needs no script."""
    one = made_page(tmp_path / "one", committed_verdicts()).read_text()
    several = write_page(every_framework(tmp_path / "several"), tmp_path).read_text()
    assert one.count('name="framework"') == 0
    assert several.count('type="radio" name="framework"') == 3
    assert several.count(' checked><label for="framework-') == 1
    assert ' checked><label for="framework-1">TensorFlow</label>' in several


def answers_under(runtime, material):
    """Return what is answered for aliasing and for broadcasting under a runtime."""
    runtimes = [answer for framework in answers(material) for answer in framework.runtimes]
    return next(answer for answer in runtimes if answer.runtime == runtime).bugs


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
    aliasing, _ = answers_under("keras2", material)
    assert (aliasing.bug, aliasing.count, aliasing.outcomes) == ("aliasing", "not tried", [])


def test_a_refilled_tensor_is_told_from_a_refilled_array(tmp_path):
    """Both lie at the same address in one buffer: what its result says that the generator yields tells them apart."""
    material = every_framework(tmp_path)
    loop = {"reused_inputs": "repaired", "reused_inputs_aligned": "repaired", "reused_pair": "repaired"}
    material.verdicts.cells[:] = [
        entry.with_changes(effect=loop.get(entry.cell.generator, entry.effect))
        for entry in material.verdicts.cells
    ]
    aliasing, _ = answers_under("torch_workers", material)
    assert situations(aliasing)["bites"] == ["the inputs are refilled in one tensor"]
    assert "the inputs are refilled in one buffer" in situations(aliasing)["repaired"]


def test_a_refilled_sample_is_named(tmp_path):
    """Collate takes samples, one at a time."""
    material = every_framework(tmp_path)
    aliasing, _ = answers_under("torch_collate", material)
    assert situations(aliasing) == {"bites": ["each sample is written into one buffer"]}


@pytest.mark.parametrize(
    ("effects", "text"),
    [
        (["bites", "masked", "bites"], "bites in 2 of 3 cells"),
        (["repaired", "masked"], "hidden in all 2 cells"),
        (["clean"], "hidden in the only cell"),
        (["bites"], "bites in 1 of 1 cell"),
        (["rare", "bites", "masked"], "bites in 1, rare in 1 of 3 cells"),
        (["rare", "repaired"], "rare in 1 of 2 cells"),
        ([], "not tried"),
    ],
)
def test_a_bug_that_bites_rarely_is_not_said_to_be_hidden(monkeypatch, effects, text):
    """Each effect that a loss can show is counted."""
    if "rare" not in EFFECTS:
        monkeypatch.setitem(EFFECTS, "rare", EFFECTS["bites"])
    assert BugAnswer("aliasing", effects, []).count == text
