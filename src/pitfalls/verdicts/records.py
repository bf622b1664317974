"""The verdicts on everything: the form of reports/verdicts.json."""

from typing import Annotated, Literal

from pydantic import Field

from pitfalls.files import File, Record
from pitfalls.project import Cell, Lot
from pitfalls.results import (
    MOST_HIGH,
    Claim,
    Derived,
    Fired,
    Measure,
    Prediction,
    Probe,
    Rows,
    Seconds,
    Share,
    Word,
)

PLACE = "verdicts.json"
"""Its name in reports/."""


class CellVerdict(Record):
    """One cell, over its seeds.

    Attributes:
        claim: Of the mean over the seeds, with the tolerance of that mean; None where a seed has none.
        measured: The mean of the seeds' losses.
        interval: The lowest and the highest seed's.
        bugs: Which of the two bugs the cell carries: aliasing, broadcasting.
        swept: What was swept besides the axes, as `@key=value`.
    """

    cell: Cell
    claim: Claim | None
    measured: Derived
    interval: tuple[Derived, Derived]
    broken_rows: Share
    seeds: list[int]
    effect: str
    bugs: list[str] = []
    guard: Fired | None = None
    swept: str = ""
    verdict: Word
    reasons: list[str] = []

    @property
    def name(self) -> str:
        """The cell, and what was swept, as a line of failures names it."""
        return " ".join([str(self.cell), self.swept]).strip()

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return self.verdict == "pass"

    @property
    def fails(self) -> bool:
        """Whether there is a claim that does not hold."""
        return self.verdict == "fail"

    @property
    def claimed_loss(self) -> float:
        """The claimed loss; where nothing is claimed the measured one, as a chart needs a number."""
        return self.claim.loss if self.claim else self.measured

    @property
    def formula(self) -> str:
        """The closed form of the claim, nothing where there is none."""
        return self.claim.formula if self.claim else ""

    @property
    def miss(self) -> float:
        """How far the loss is from its claim, in tolerances: a claim fails beyond 1; 0 where nothing is claimed."""
        return (self.measured - self.claim.loss) / (self.claim.tolerance or 1) if self.claim else 0.0


class TrainedListing(CellVerdict):
    """A listing of the article that trains; `printed_losses` is what the article printed of it, by epoch."""

    listing: int
    printed: str = ""
    printed_losses: dict[int, Derived] = {}
    loss: Annotated[list[Derived], Field(min_length=1)]
    prediction: Prediction | None = None
    seconds: Seconds | None = None


class ProbeClaim(Record):
    """Which of a probe's two labels must fit their inputs."""

    kind: Literal["probe"] = "probe"
    fits: list[bool]


class ProbedListing(Record):
    """A listing of the article that holds two yields together."""

    listing: int
    printed: str = ""
    claim: ProbeClaim
    measured: list[bool]
    effect: str
    verdict: Word
    reasons: list[str] = []

    @property
    def name(self) -> str:
        """The listing, as a line of failures names it."""
        return f"L{self.listing}"

    @property
    def holds(self) -> bool:
        """Whether the labels fit as they must."""
        return self.verdict == "pass"

    @property
    def fails(self) -> bool:
        """Whether they do not."""
        return self.verdict == "fail"


class Ticket(CellVerdict):
    """One run of the alignment lottery.

    Attributes:
        offset_bytes: From a 64-byte boundary to its buffer.
        hand_over: What was called on each array before a step was given it; waits: what was waited for then.
        load: Side of the matrices that its steps multiply besides, None where they have none.
        seconds_per_step: Of its whole training.
    """

    offset_bytes: int
    hand_over: str = "as_it_is"
    waits: str = "nothing"
    load: int | None = None
    seconds_per_step: Measure | None = None

    @property
    def varied(self) -> str:
        """The first key of the configuration that was swept, nothing if none was."""
        return self.swept.removeprefix("@").partition("=")[0]

    @property
    def lot(self) -> Lot:
        """What params.yaml lists it as."""
        return Lot(self.cell.runtime, self.swept, self.seeds[0])


class ClosedForms(Record):
    """The losses that the page names, by their letters, and the answer of a model that knows nothing."""

    V: Derived
    S: Derived
    B: Derived
    C: Derived
    b: Rows
    constant: Annotated[float, Field(ge=0.5, le=MOST_HIGH)]


class Verdicts(File):
    """Every verdict: the cells, the article's listings, its probes, the lottery, and what is not there.

    `not_run` says for each runtime that was not run here why: its framework is not installed.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    cells: list[CellVerdict]
    listings: list[Annotated[TrainedListing | ProbedListing, Field(union_mode="left_to_right")]]
    probes: list[Probe]
    lottery: list[Ticket] = []
    closed_forms: ClosedForms | None = None
    damaged: list[str] = []
    missing: list[str] = []
    not_run: dict[str, str] = {}

    @classmethod
    def cure(cls) -> str:
        """Say how to write the verdicts again."""
        return "Run python src/verify.py."

    @property
    def entries(self) -> list[CellVerdict | ProbedListing]:
        """Everything that has a verdict."""
        return [*self.cells, *self.listings, *self.lottery]

    @property
    def all_hold(self) -> bool:
        """Whether no claim fails, and every result is there and could be read."""
        return not (self.damaged or self.missing or any(entry.fails for entry in self.entries))
