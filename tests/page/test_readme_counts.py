"""The README's generated lines: every cell is counted once, under the effect that it has."""

import re

from made_reports import committed_verdicts, with_first_cell

from pitfalls.report.readme import results
from pitfalls.verdicts.effects import EFFECTS, Effect, Shade


def effects_of(verdicts):
    """Return the sentence about the effects."""
    return results(verdicts).partition("** ")[2]


def test_every_cell_is_counted_under_one_effect():
    """From the worst effect to the best."""
    verdicts = committed_verdicts()
    total, *counts = map(int, re.findall(r"\d+", effects_of(verdicts)))
    assert total == len(verdicts.cells) == sum(counts)
    assert [counts[at] for at, _ in enumerate(EFFECTS)] == [
        sum(entry.effect == name for entry in verdicts.cells) for name in EFFECTS
    ]


def test_an_effect_that_is_new_is_counted_too(monkeypatch):
    """No list of effects stands beside the one that the verdicts use."""
    shade = Shade(fill="#ffffff", on="#000000", ink="#000000")
    monkeypatch.setitem(EFFECTS, "odd", Effect("brief", "meaning", "happened", shade, shade))
    assert effects_of(with_first_cell(committed_verdicts(), effect="odd")).endswith(" and 1 are odd.")
