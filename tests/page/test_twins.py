"""Twins: the cell that is one thing apart stands beside each cell, and every story leads to the next."""

import re

import pytest
from made_reports import committed_verdicts, made_material, made_page

from pitfalls.project import ROOT, Cell
from pitfalls.report.page.stories import stories_of
from pitfalls.report.page.twins import FUNCTION, with_fix
from pitfalls.report.variants import twins, twins_in

BUGGY = ("reused_inputs", "reused_inputs_aligned", "reused_pair", "flat_labels")


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("# Twin     generator=a, the function apart", {"a": "the function apart"}),
        ("# Twin     generator=a, the offset apart; generator=b, likewise", dict.fromkeys("ab", "the offset apart")),
        ("# Twin     generator=a, the function\n#          apart\n# Claim    generator=c", {"a": "the function apart"}),
        ("# Twin     generator=a", {"a": ""}),
        ("# Twin     runtime=keras3, on TensorFlow", {}),
        ("# Claim    generator=a", {}),
    ],
)  # fmt: skip
def test_twins_are_those_that_a_header_names(header, named):
    """Each with what is apart, in the order of the header."""
    assert twins_in(f"# it: is.\n#\n{header}\n_target_: x\n") == named


def test_every_generator_of_conf_has_a_twin_that_exists():
    """The page takes the twins from conf/, so that a new generator brings its own."""
    named = twins(ROOT / "conf" / "generator")
    assert named and all(named.values())
    assert {twin for ones in named.values() for twin in ones} <= set(named)


@pytest.mark.parametrize("generator", BUGGY)
def test_every_generator_with_a_bug_leads_to_its_fix(generator):
    """One whose address alone is apart from its twin leads to the fix of that twin."""
    found = with_fix(generator, twins(ROOT / "conf" / "generator"))
    assert "fresh_arrays" in found and FUNCTION in found["fresh_arrays"]


def test_a_generator_is_not_its_own_twin():
    """Two that name each other by their offsets alone have no fix."""
    named = {"a": {"b": "the offset apart"}, "b": {"a": "the function apart"}}
    assert with_fix("a", named) == {"b": "the offset apart"}


def test_a_story_has_its_twins_loss_and_effect_beside_its_own(material):
    """Under the same runtime and model."""
    story = stories_of(material)[Cell("keras3", "reused_inputs_aligned", "mean_lambda")]
    offset, function = story.twins
    assert story.tone == "bites"
    assert (offset.id, offset.tone, offset.measured) == ("keras3/reused_inputs/mean_lambda", "repaired", "0")
    assert offset.difference == "it differs in the offset"
    assert (function.id, function.tone) == ("keras3/fresh_arrays/mean_lambda", "clean")


def test_a_twin_that_was_not_run_is_left_out(material):
    """There is nothing to compare with."""
    cell = Cell("keras2", "copied_inputs", "dense")
    assert [twin.entry.cell.generator for twin in stories_of(material)[cell].twins] == ["reused_inputs"]
    material.verdicts.cells[:] = [e for e in material.verdicts.cells if e.cell.generator != "reused_inputs"]
    assert stories_of(material)[cell].twins == []


def test_every_story_leads_to_the_one_before_and_the_one_behind(tmp_path):
    """From the first place of the first map to the last of the last."""
    page = made_page(tmp_path, committed_verdicts()).read_text()
    ids = re.findall(r'<dialog class="story" id="([^"]+)"', page)
    navigations = re.findall(r'class="neighbours".*?</nav>', page, re.S)
    assert len(ids) == len(navigations) == 72
    for at, navigation in enumerate(navigations):
        around = ids[max(at - 1, 0) : at] + ids[at + 1 : at + 2]
        assert re.findall(r'href="#([^"]+)"', navigation) == around
