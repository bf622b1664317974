"""The README's map: every cell, in light and dark, in colours that can be read."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from made_frameworks import every_framework
from made_reports import committed_verdicts, made_material

from pitfalls.project import RELEASE, ROOT
from pitfalls.report.map import FILES, LEAST, blocks, svg, write_maps
from pitfalls.report.material import gather
from pitfalls.verdicts.effects import EFFECTS, SCHEMES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


def places(picture):
    """Return colour and word of each place, without the legend's, which come last."""
    root = ElementTree.fromstring(picture)
    drawn = [
        (rect.get("fill"), root[at + 1].text) for at, rect in enumerate(root) if rect.tag == f"{SVG}rect"
    ]
    return drawn[: -len(EFFECTS)]


def texts(picture):
    """Return every text of a picture."""
    return ElementTree.fromstring(picture).findall(f"{SVG}text")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_cell_has_its_effect_in_word_and_colour(material, scheme):
    """Three maps of six generators under four runtimes; the colour is that of the word."""
    drawn = places(svg(material, SCHEMES[scheme]))
    assert len(drawn) == 72
    assert all(fill == SCHEMES[scheme].shades[effect].fill for fill, effect in drawn)
    counted = {name: sum(effect == name for _, effect in drawn) for name in EFFECTS}
    assert counted == {
        name: sum(name == entry.effect for entry in material.verdicts.cells) for name in EFFECTS
    }


def test_the_map_has_words_for_those_who_cannot_see_it(material):
    """Its description names the cells of each effect."""
    root = ElementTree.fromstring(svg(material, SCHEMES["light"]))
    assert root.find(f"{SVG}title").text == "Where the two bugs bite"
    assert "bites: keras2 / reused_inputs / dense; " in root.find(f"{SVG}desc").text


def test_a_cell_that_was_not_run_says_so(material):
    """A matrix that was run in part keeps its shape."""
    material.verdicts.cells.pop()
    picture = svg(material, SCHEMES["dark"])
    assert len(places(picture)) == 71 and ">not run<" in picture


def test_a_name_cannot_break_the_picture(material):
    """Names are text."""
    material.axes["model"][0] = "a<b"
    assert "a&lt;b" in svg(material, SCHEMES["light"])


def test_the_legend_says_what_each_effect_means(material):
    """A word on its colour, and a few words beside it."""
    said = [text.text for text in texts(svg(material, SCHEMES["light"]))]
    assert said[-2 * len(EFFECTS) :] == [
        word for name, effect in EFFECTS.items() for word in (name, effect.brief)
    ]


def test_each_framework_has_a_block_with_the_generators_that_it_takes(tmp_path):
    """TensorFlow and JAX take six; PyTorch's runtimes take four more among them."""
    stacked = blocks(every_framework(tmp_path))
    assert [block.framework for block in stacked] == ["tensorflow", "jax", "torch"]
    assert [len(block.runtimes) for block in stacked] == [4, 3, 5]
    assert [len(block.generators) for block in stacked] == [6, 6, 10]
    assert all(above.bottom < below.top for above, below in pairwise(stacked))


def test_a_pair_that_does_not_exist_is_blank(tmp_path):
    """No word stands in its place; a cell of it that should have been run says so."""
    material = every_framework(tmp_path)
    assert ">not run<" not in svg(material, SCHEMES["light"])
    material.verdicts.missing.append("torch_collate / fresh_arrays / dense / 0")
    assert svg(material, SCHEMES["light"]).count(">not run<") == 3


def test_the_map_is_narrow_enough_for_a_readme(tmp_path):
    """Five runtimes and three models fit into 1000 pixels, and no text is smaller than 11."""
    picture = svg(every_framework(tmp_path), SCHEMES["light"])
    assert int(ElementTree.fromstring(picture).get("width")) <= 1000
    assert min(float(text.get("font-size")) for text in texts(picture)) >= 11


def test_more_runtimes_make_the_map_wider_and_not_its_columns_narrower(material):
    """A word needs its room."""
    material.frameworks["tensorflow"] = [f"runtime_{at}" for at in range(9)]
    (block,) = blocks(material)
    assert block.column == LEAST and block.left(1) - block.left(0) > 9 * LEAST


def luminance(colour):
    """Return the relative luminance of a colour, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Return the contrast of two colours."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("scheme", "paper"), [("light", "#ffffff"), ("dark", "#0d1117")])
def test_words_can_be_read(scheme, paper):
    """A contrast of 4.5 at least, on a code host's paper and on each effect's colour."""
    colours = SCHEMES[scheme]
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    pairs = [(colours.ink, paper), (colours.quiet, paper)]
    pairs += [(shade.on, shade.fill) for shade in colours.shades.values()]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_the_released_map_is_that_of_the_released_verdicts(tmp_path):
    """Drawn again from what git holds."""
    material = gather(tmp_path / "no-runs", ROOT / RELEASE, ROOT)
    write_maps(material, tmp_path)
    for file in FILES.values():
        assert (tmp_path / file).read_text() == (ROOT / RELEASE / file).read_text(), "stale: make release"


def test_the_map_loads_nothing_and_has_no_background(material):
    """It is shown on whatever paper a page has."""
    picture = svg(material, SCHEMES["light"])
    assert not re.search(r"href|url\(|<style|<script", picture)
