"""The article's eight listings: the idea of each, what the article printed, and what was measured."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from pitfalls.report.words import claim_text, fits_text, losses_text, sentence
from pitfalls.verdicts.effects import worst_of
from pitfalls.verdicts.records import ProbedListing, TrainedListing, Verdicts

IDEAS = Path(__file__).parent / "templates" / "listings.yaml"
"""A title and the code idea of each listing."""


@dataclass(frozen=True)
class Outcome:
    """What a listing measured."""

    entry: TrainedListing | ProbedListing
    script: str
    measured: str
    claimed: str
    formula: str = ""
    answer: str = ""

    @property
    def printed(self) -> str:
        """What the article printed."""
        return sentence(self.entry.printed)

    @property
    def tone(self) -> str:
        """The effect whose colour it takes."""
        return worst_of(self.entry.effect)

    @property
    def command(self) -> str:
        """The command that runs it again."""
        return f"python src/{self.script}.py experiment=listing_{self.entry.listing}"


@dataclass(frozen=True)
class Card:
    """A listing: its idea, and what it measured, None if it was not run."""

    number: int
    title: str
    code: str
    outcome: Outcome | None


def cards(verdicts: Verdicts) -> list[Card]:
    """Return a card for each of the article's listings, in order."""
    outcomes = {entry.listing: outcome(entry) for entry in verdicts.listings}
    return [
        Card(listing, idea["title"], idea["code"], outcomes.get(listing))
        for listing, idea in yaml.safe_load(IDEAS.read_text()).items()
    ]


def outcome(entry: TrainedListing | ProbedListing) -> Outcome:
    """Return what a listing measured."""
    if isinstance(entry, ProbedListing):
        measured, claimed = fits_text(entry.measured), fits_text(entry.claim.fits)
        return Outcome(entry, "probe", sentence(measured), sentence(claimed))
    return Outcome(
        entry,
        "train",
        sentence(losses_text(entry.loss)),
        claim_text(entry.claim),
        entry.formula,
        f"{entry.prediction.value:.2f}" if entry.prediction else "",
    )
