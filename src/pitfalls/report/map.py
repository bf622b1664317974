"""The map as a picture for the README: what becomes of a bug in each cell, a small map for each model.

A picture in a README loads nothing and knows no style sheet. So there is one for light and
one for dark mode, each with its colours from `SCHEMES` and without a background.
"""

import re
from html import escape
from pathlib import Path

from pitfalls.files import write_text
from pitfalls.project import Cell
from pitfalls.report.material import Material
from pitfalls.verdicts.effects import EFFECTS, SCHEMES, Scheme, worst_of

FILES = {scheme: f"map-{scheme}.svg" for scheme in SCHEMES}
"""The name of each picture in reports/."""

NAMES, COLUMN, APART, ROW, GAP = 168, 62, 14, 28, 2
"""Width of the generators' names, of a column, between two maps; height of a row; between two places."""

HEAD, FOOT = 62, 30
"""Height of the headers and of the legend."""

Effects = dict[Cell, str]


def write_maps(material: Material, reports: Path) -> None:
    """Write reports/map-light.svg and reports/map-dark.svg."""
    for scheme, file in FILES.items():
        write_text(reports / file, svg(material, SCHEMES[scheme]))


def svg(material: Material, scheme: Scheme) -> str:
    """Return the map as SVG, with words for those who cannot see it."""
    effects = {entry.cell: worst_of(entry.effect) for entry in material.verdicts.cells}
    runtimes, generators, models = (material.axes[axis] for axis in ("runtime", "generator", "model"))
    stride = COLUMN * len(runtimes) + APART
    width, height = NAMES + stride * len(models) - APART, HEAD + ROW * len(generators) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="title words" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        '<title id="title">Where the two bugs bite</title>',
        f'<desc id="words">{escape(in_words(effects))}</desc>',
        *(words(0, HEAD + ROW * row + 18, name, scheme.ink) for row, name in enumerate(generators)),
    ]
    for at, model in enumerate(models):
        left = NAMES + stride * at
        parts += headers(left, model, runtimes, scheme)
        for row, generator in enumerate(generators):
            for column, runtime in enumerate(runtimes):
                effect = effects.get(Cell(runtime, generator, model))
                parts += place(left + COLUMN * column, HEAD + ROW * row, effect, scheme)
    return "\n".join([*parts, words(0, height - 6, legend(), scheme.quiet), "</svg>", ""])


def headers(left: int, model: str, runtimes: list[str], scheme: Scheme) -> list[str]:
    """Return a map's heading, and the name of each of its columns, broken after its underscores."""
    parts = [words(left, 15, model, scheme.ink, 'font-weight="600" font-size="14"')]
    for column, runtime in enumerate(runtimes):
        pieces = re.findall("[^_]+_?", runtime)
        for up, piece in enumerate(reversed(pieces)):
            at = HEAD - 7 - 14 * up
            parts.append(words(left + COLUMN * column + 2, at, piece, scheme.quiet, 'font-size="12"'))
    return parts


def place(left: int, top: int, effect: str | None, scheme: Scheme) -> list[str]:
    """Return a cell's place, with the effect as a word on its colour."""
    middle = left + (COLUMN - GAP) / 2
    centred = 'text-anchor="middle"'
    if effect is None:
        return [words(middle, top + 18, "not run", scheme.quiet, centred)]
    shade = scheme.shades[effect]
    size = f'width="{COLUMN - GAP}" height="{ROW - GAP}" rx="4"'
    return [
        f'<rect x="{left}" y="{top}" {size} fill="{shade.fill}"/>',
        words(middle, top + 17, effect, shade.on, centred),
    ]


def words(x: float, y: float, said: str, fill: str, attributes: str = "") -> str:
    """Return text at a place."""
    size = "" if "font-size" in attributes else 'font-size="13" '
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}" {size}{attributes}>{escape(said)}</text>'


def legend() -> str:
    """Say what each effect means."""
    return ";  ".join(f"{name}: {effect.brief}" for name, effect in EFFECTS.items())


def in_words(effects: Effects) -> str:
    """Name the cells of each effect."""
    named = {name: [str(cell) for cell, effect in effects.items() if effect == name] for name in EFFECTS}
    return " ".join(f"{name}: {'; '.join(cells) or 'no cell'}." for name, cells in named.items())
