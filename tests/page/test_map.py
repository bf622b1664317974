"""The README's map: every cell, in light and dark, in colours that can be read."""

import re
from xml.etree import ElementTree

import pytest
from made_reports import committed_verdicts, made_material

from pitfalls.project import RELEASE, ROOT
from pitfalls.report.map import FILES, svg, write_maps
from pitfalls.report.material import gather
from pitfalls.verdicts.effects import EFFECTS, SCHEMES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def material(tmp_path):
    return made_material(tmp_path, committed_verdicts())


def places(picture):
    """Return the words of each coloured place."""
    root = ElementTree.fromstring(picture)
    return [(rect.get("fill"), root[at + 1].text) for at, rect in enumerate(root) if rect.tag == f"{SVG}rect"]


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
    material.axes["generator"][0] = "a<b"
    assert "a&lt;b" in svg(material, SCHEMES["light"])


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
