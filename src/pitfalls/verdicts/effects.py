"""The five effects: what can become of a bug, in words and in colour, from worst to best."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shade:
    """The colours of an effect in light or in dark mode.

    Attributes:
        fill: Of a place that carries the effect.
        on: Of text on that fill.
        ink: Of lines, points and words on the paper itself.
    """

    fill: str
    on: str
    ink: str


@dataclass(frozen=True)
class Effect:
    """What became of a bug.

    Attributes:
        brief: What it means in a few words, beside a map.
        meaning: What it means, after its name, where no model is named.
        happened: How a run's note begins, in Markdown.
        light: Its colours in light mode and on paper.
        dark: Its colours in dark mode.
        of_weights: Its meaning for a model that learns, where it is another.
        of_fixed: Its meaning for a model whose weights are fixed, where it is another.
    """

    brief: str
    meaning: str
    happened: str
    light: Shade
    dark: Shade
    of_weights: str = ""
    of_fixed: str = ""

    @property
    def colour(self) -> str:
        """The colour of a run in MLflow: that of the page's lines in light mode."""
        return self.light.ink

    def meaning_for(self, is_trainable: bool | None) -> str:
        """Return what it means for a model that learns, for a fixed one, or for one that is not known."""
        known = "" if is_trainable is None else self.of_weights if is_trainable else self.of_fixed
        return known or self.meaning


EFFECTS = {
    "bites": Effect(
        brief="the loss shows it",
        meaning="the loss shows it: a model that learns will learn the wrong thing, or nothing; "
        "a fixed model pays for it in its loss, and its answers are right",
        happened="The bug **bites**",
        light=Shade(fill="#b34700", on="#ffffff", ink="#b34700"),
        dark=Shade(fill="#f08c4a", on="#231000", ink="#f5985a"),
        of_weights="the loss shows it: the model learns the wrong thing, or nothing",
        of_fixed="the loss shows it: this model has no weights to learn, so it pays for the bug in its loss, "
        "and its answers are right",
    ),
    "rare": Effect(
        brief="a race breaks few batches",
        meaning="a race breaks few batches, from one in 3,000 on an idle machine to one in six on a busy one: "
        "a short look may show none, yet an epoch of 10,000 batches has some, whose inputs belong to other labels",
        happened="The bug is there, and **rare**: a race breaks few batches",
        light=Shade(fill="#f2d27a", on="#332400", ink="#8a6100"),
        dark=Shade(fill="#6b5214", on="#fff3d1", ink="#e0b84c"),
    ),
    "masked": Effect(
        brief="the loss cannot show it",
        meaning="the data is wrong, but the loss cannot show it; a race or another loss would expose it",
        happened="The bug is there, and **masked**",
        light=Shade(fill="#e3b7d1", on="#33101f", ink="#a2447a"),
        dark=Shade(fill="#7d4667", on="#ffeaf5", ink="#dc8fbd"),
    ),
    "repaired": Effect(
        brief="the framework hides it",
        meaning="the framework hides it, by a copy or by aligning ranks",
        happened="The bug is there, and the framework **repairs** it",
        light=Shade(fill="#cfe5f5", on="#0c2c44", ink="#2b7bb9"),
        dark=Shade(fill="#1d4462", on="#dcefff", ink="#63aee6"),
    ),
    "clean": Effect(
        brief="there is no bug",
        meaning="there is no bug in this cell",
        happened="There is no bug here",
        light=Shade(fill="#edeef0", on="#333a40", ink="#767d85"),
        dark=Shade(fill="#272c31", on="#c9ced3", ink="#8f979f"),
    ),
}


@dataclass(frozen=True)
class Scheme:
    """Light or dark mode: the text on paper, quieter text, and which colours an effect has."""

    ink: str
    quiet: str
    shades: Mapping[str, Shade]


SCHEMES = {
    "light": Scheme("#1c2126", "#545d66", {name: effect.light for name, effect in EFFECTS.items()}),
    "dark": Scheme("#e8e6e1", "#a6adb4", {name: effect.dark for name, effect in EFFECTS.items()}),
}


def worst_of(effect: str) -> str:
    """Return the worst effect among those of a cell's seeds, which may disagree: ``bites or masked``."""
    return next((name for name in EFFECTS if name in effect), "clean")
