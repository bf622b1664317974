"""The map as a picture for the README: what becomes of a bug in each cell, a block for each framework.

A picture in a README loads nothing and knows no style sheet. So there is one for light and
one for dark mode, each with its colours from `SCHEMES` and without a background. It is about
as wide as a README's column, so that nobody reads it made smaller.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pitfalls.files import write_text
from pitfalls.project import Cell
from pitfalls.report.material import Material
from pitfalls.report.words import framework_name
from pitfalls.verdicts.effects import EFFECTS, SCHEMES, Scheme, worst_of

FILES = {scheme: f"map-{scheme}.svg" for scheme in SCHEMES}
"""The name of each picture in reports/."""

NAMES, MAP, APART, ROW, GAP = 160, 266, 12, 26, 2
"""Width of the generators' names, of a model's map, between two maps; height of a row; between two places."""

LEAST, MOST = 53, 88
"""A column is at least so wide that `repaired` fits into it, and at most so wide that the words stay together."""

HEAD, BELOW = 60, 18
"""Height of a block's headers, and of the room below a block."""

LEGEND_COLUMNS, LEGEND_ROW, PILL = 3, 24, 66
"""The legend: how many effects stand beside each other, the height of a row, the width of an effect's name."""

HEADING, SMALL = 'font-weight="600" font-size="14"', 'font-size="11.5"'
"""How headings, and words on a place, are set; other words are between the two."""

Effects = dict[Cell, str]


@dataclass(frozen=True)
class Block:
    """The maps of a framework: its runtimes, and the generators that one of them takes.

    Attributes:
        top: Where it begins, in pixels.
        map_width: The width of each of its maps.
    """

    framework: str
    runtimes: list[str]
    generators: list[str]
    models: list[str]
    top: int
    map_width: int

    @property
    def bottom(self) -> int:
        """Where it ends."""
        return self.top + HEAD + ROW * len(self.generators)

    @property
    def column(self) -> float:
        """The width of a column."""
        return min(MOST, self.map_width / len(self.runtimes))

    def left(self, model: int, runtime: int = 0) -> float:
        """Return where a runtime's column begins in a model's map, by their places."""
        return NAMES + (self.map_width + APART) * model + self.column * runtime

    def row(self, generator: int) -> int:
        """Return where a generator's row begins, by its place."""
        return self.top + HEAD + ROW * generator


def write_maps(material: Material, reports: Path) -> None:
    """Write reports/map-light.svg and reports/map-dark.svg."""
    for scheme, file in FILES.items():
        write_text(reports / file, svg(material, SCHEMES[scheme]))


def svg(material: Material, scheme: Scheme) -> str:
    """Return the map as SVG, with words for those who cannot see it."""
    effects = {entry.cell: worst_of(entry.effect) for entry in material.verdicts.cells}
    pairs, stacked = material.pairs(), blocks(material)
    bottom = max((block.bottom + BELOW for block in stacked), default=0)
    width = max((round(block.left(len(block.models))) - APART for block in stacked), default=NAMES)
    height = bottom + LEGEND_ROW * -(-len(EFFECTS) // LEGEND_COLUMNS)
    drawn = [line for block in stacked for line in drawn_block(block, effects, pairs, scheme)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="title words" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        '<title id="title">Where the two bugs bite</title>',
        f'<desc id="words">{escape(in_words(effects))}</desc>',
    ]
    return "\n".join([*parts, *drawn, *legend(bottom, width, scheme), "</svg>", ""])


def blocks(material: Material) -> list[Block]:
    """Return a block for each framework, one below the other, with the generators that occur in it."""
    pairs, models = material.pairs(), material.axes["model"]
    map_width = max([MAP, *(LEAST * len(runtimes) for runtimes in material.frameworks.values())])
    stacked: list[Block] = []
    for framework, runtimes in material.frameworks.items():
        taken = {generator for runtime, generator in pairs if runtime in runtimes}
        generators = [name for name in material.axes["generator"] if name in taken]
        top = stacked[-1].bottom + BELOW if stacked else 0
        stacked.append(Block(framework, runtimes, generators, models, top, map_width))
    return stacked


def drawn_block(block: Block, effects: Effects, pairs: set[tuple[str, str]], scheme: Scheme) -> Iterator[str]:
    """Yield a framework's name, its generators, and the map of each model; a pair that does not exist is blank."""
    yield words(0, block.top + 15, framework_name(block.framework), scheme.ink, HEADING)
    for row, generator in enumerate(block.generators):
        yield words(0, block.row(row) + 17, generator, scheme.ink)
    for at, model in enumerate(block.models):
        yield from headers(block, at, model, scheme)
        for row, generator in enumerate(block.generators):
            for column, runtime in enumerate(block.runtimes):
                if (runtime, generator) in pairs:
                    effect = effects.get(Cell(runtime, generator, model))
                    yield from place(
                        block.left(at, column), block.row(row), block.column - GAP, effect, scheme
                    )


def headers(block: Block, at: int, model: str, scheme: Scheme) -> Iterator[str]:
    """Yield a map's heading, and the name of each of its columns, broken after its underscores."""
    yield words(block.left(at), block.top + 15, model, scheme.ink, HEADING)
    for column, runtime in enumerate(block.runtimes):
        for up, piece in enumerate(reversed(re.findall("[^_]+_?", runtime))):
            y = block.row(0) - 7 - 13 * up
            yield words(block.left(at, column) + 1, y, piece, scheme.quiet, SMALL)


def place(left: float, top: float, width: float, effect: str | None, scheme: Scheme) -> Iterator[str]:
    """Yield a cell's place, with the effect as a word on its colour."""
    middle, centred = left + width / 2, f'{SMALL} text-anchor="middle"'
    if effect is None:
        yield words(middle, top + 16, "not run", scheme.quiet, centred)
        return
    shade, size = scheme.shades[effect], f'width="{width:g}" height="{ROW - GAP}" rx="4"'
    yield f'<rect x="{left:g}" y="{top:g}" {size} fill="{shade.fill}"/>'
    yield words(middle, top + 16, effect, shade.on, centred)


def words(x: float, y: float, said: str, fill: str, attributes: str = "") -> str:
    """Return text at a place."""
    size = "" if "font-size" in attributes else 'font-size="12.5" '
    return f'<text x="{x:g}" y="{y:g}" fill="{fill}" {size}{attributes}>{escape(said)}</text>'


def legend(top: int, width: int, scheme: Scheme) -> Iterator[str]:
    """Yield each effect on its colour, and what it means."""
    for at, (name, effect) in enumerate(EFFECTS.items()):
        row, column = divmod(at, LEGEND_COLUMNS)
        x, y = column * width / LEGEND_COLUMNS, top + LEGEND_ROW * row
        yield from place(x, y, PILL, name, scheme)
        yield words(x + PILL + 8, y + 16, effect.brief, scheme.quiet)


def in_words(effects: Effects) -> str:
    """Name the cells of each effect."""
    named = {name: [str(cell) for cell, effect in effects.items() if effect == name] for name in EFFECTS}
    return " ".join(f"{name}: {'; '.join(cells) or 'no cell'}." for name, cells in named.items())
