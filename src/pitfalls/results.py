"""Results on disk: typed records, each written at once or not at all.

A run's folder is runs/<sweep>/<runtime>/<generator>/<model>/seed-<n>, with a folder more for each further key that a
sweep varies. result.json stands in it when the run has finished; verdict.json beside it can be derived from it.

This module alone knows the form of these files. A record refuses NaN, a missing part or another shape (docs/decisions/0011).
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pitfalls.errors import ResultError
from pitfalls.files import File, Record
from pitfalls.project import SeededCell

FLOAT32_MOST = 3.4028235e38
"""The largest number that a float32 holds, in which everything is trained; its square is a finite float64."""

MOST_HIGH = 2**23
"""Up to there inputs and labels, which are compared in float32, are exact."""

MOST_STEPS = 10**8
"""Hours of training, and an hour for the twin that a claim takes its excess from."""

MOST_ROWS = 2**31 - 1
"""More rows than a batch of 32-bit numbers can have in any memory of today."""

Number = Annotated[float, Field(ge=-FLOAT32_MOST, le=FLOAT32_MOST)]
Measure = Annotated[float, Field(ge=0, le=FLOAT32_MOST)]
Count = Annotated[int, Field(ge=1, le=MOST_STEPS)]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]
Share = Annotated[float, Field(ge=0, le=2)]
"""At most 1; what is a little above it is refused by its claim, in words."""

Derived = Annotated[float, Field(ge=-1e150, le=1e150)]
"""A number that is computed from measured ones: its square is a finite float64 too."""

Row = Annotated[list[Number], Field(min_length=1)]
Labels = Row | Annotated[list[Row], Field(min_length=1)]
Shape = tuple[Annotated[int, Field(ge=0, le=MOST_ROWS)], ...]

RENAMED_LOSSES = {"aligned": "repairing", "unaligned": "broadcasting"}
"""What results of earlier versions call the two losses."""


class Task(Record):
    """What is learned: the mean of two integers uniform on 0..high-1, in batches of batch_size."""

    high: Annotated[int, Field(ge=2, le=MOST_HIGH)]
    batch_size: Rows


class Mechanism(Record):
    """How batches reached the model and its loss, as conf/feed has it; `yields` and `dtype` are the generator's."""

    feed: str
    yields: str = "arrays"
    threaded: bool
    hand_over: str = "as_it_is"
    waits: str = "nothing"
    labels: str
    dtype: str = "float64"
    loss: Annotated[str, BeforeValidator(lambda kind: RENAMED_LOSSES.get(str(kind), kind))]
    trainable_parameters: Annotated[int, Field(ge=0)]


class Training(Record):
    """How long, how fast and by whose RMSprop: Keras's or PyTorch's; `learning_rate` is (first step, rate) pairs."""

    optimizer: Literal["rmsprop", "torch_rmsprop"]
    learning_rate: Annotated[list[tuple[int, Measure]], Field(min_length=1)]
    epochs: Count
    steps_per_epoch: Count
    steps_per_execution: Count = 1

    @property
    def steps(self) -> int:
        """All steps of the training."""
        return self.epochs * self.steps_per_epoch

    @model_validator(mode="after")
    def _is_trainable_at_all(self) -> Self:
        """Refuse a training of more steps than anybody has waited for."""
        if self.steps > MOST_STEPS:
            raise ValueError(f"{self.steps} steps")
        return self


class Shapes(Record):
    """Every shape of the last batch, declared and real."""

    inputs: Shape
    labels: Shape
    declared_output: tuple[int | None, ...]
    prediction: Shape
    loss_difference_before_repair: Shape
    loss_difference: Shape


class Prediction(Record):
    """What the model answers for one pair whose mean is `label`."""

    inputs: tuple[int, int]
    label: Number
    value: Number


class Answers(Record):
    """What the model answers for a grid of pairs."""

    inputs: list[tuple[Number, Number]]
    values: list[Number]


class Offsets(Record):
    """Where the reused buffers stand, in bytes past a 64-byte boundary; None where nothing is reused."""

    inputs: int | None
    labels: int | None


class Seconds(Record):
    """What a run took, in seconds."""

    total: Measure
    training: Measure
    per_step: Measure


class Origin(Record):
    """Where a run was trained: the machine, and the commit, with changes if other files than outputs differed."""

    processor: str
    cores: int
    system: str
    commit: str


class Result(File):
    """What a run measured, and nothing else: result.json; `warnings` are the framework's own, once each."""

    schema_version: Literal[1] = Field(1, alias="schema")
    cell: SeededCell
    listing: int | None
    task: Task
    framework: str = "tensorflow"
    load: int | None = None
    mechanism: Mechanism
    training: Training
    loss: Annotated[list[Measure], Field(min_length=1)]
    final_loss: Measure
    standard_error: Measure
    window_steps: Count
    broken_batches: Share | None = None
    broken_rows: Share
    broken_rows_over_time: Annotated[list[Share], Field(min_length=1)]
    repeated_batches: Share
    rewritten_batches: Share | None = None
    shapes: Shapes
    prediction: Prediction | None
    answers: Answers
    versions: dict[str, str] = {}
    buffer_address_mod_64: Offsets
    seconds: Seconds
    warnings: list[str] = []
    origin: Origin | None = None
    fingerprint: str
    mlflow_run_id: str | None = None  # of earlier versions; now in tracking.json

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain types, without the run that only earlier versions name here."""
        content = super().as_json()
        return content if self.mlflow_run_id else {k: v for k, v in content.items() if k != "mlflow_run_id"}

    @property
    def is_trainable(self) -> bool:
        """Whether the model had weights to learn."""
        return self.mechanism.trainable_parameters > 0


class Claim(Record):
    """What a run must measure: a loss, in squared label units, and how far from it is near enough.

    `run_error` is the standard error that is this run's own, `shared_error` the one that its claim
    shares with those of other seeds; `tolerance` is four standard errors of one run.
    """

    kind: str
    loss: Derived
    tolerance: Derived
    formula: str
    reason: str
    run_error: Derived = 0.0
    shared_error: Derived = 0.0

    def holds(self, loss: float) -> bool:
        """Tell whether a measured loss is within the tolerance."""
        return abs(loss - self.loss) <= self.tolerance


class Fired(Record):
    """The rules of the guard that fired on a cell, and those that must."""

    fired: list[str]
    expected: list[str]

    @property
    def as_expected(self) -> bool:
        """Whether these are the same."""
        return self.fired == self.expected


Effect = Literal["bites", "rare", "masked", "repaired", "clean"]

Word = Literal["pass", "fail", "unclaimed"]
"""A claim that holds, one that does not, and none: the theory does not reach as far."""


class Verdict(File):
    """A claim, what became of the bug, and what did not hold, or why nothing is claimed: verdict.json."""

    claim: Claim | None
    effect: Effect
    verdict: Word
    reasons: list[str]
    guard: Fired | None = None

    @classmethod
    def cure(cls) -> str:
        """Say how to derive the file again."""
        return "Run python src/verify.py."


class Slot(Record):
    """One place of a queue that holds references: what its inputs are by now, and its label."""

    inputs: Row
    label: Number
    fits: bool


class Probe(File):
    """Two yields of a generator held together: probe.json.

    Attributes:
        queue: The first row of each of ten batches that are held at once, as a full queue holds them.
        buffers: How many inputs arrays those ten batches really are.
        allocations: Of `allocated` arrays that NumPy made, how many began at each address modulo 64.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    listing: int | None
    generator: str = ""
    seed: int = 0
    yields: Annotated[list[Annotated[list[Row], Field(min_length=1)]], Field(min_length=2, max_length=2)]
    labels: Annotated[list[Labels], Field(min_length=2, max_length=2)]
    fits: Annotated[list[bool], Field(min_length=2, max_length=2)]
    shares_memory: bool
    addresses_mod_64: list[int] = []
    queue: list[Slot] = []
    buffers: int = 0
    allocated: int = 0
    allocations: dict[int, int] = {}

    @classmethod
    def cure(cls) -> str:
        """Say how to probe again."""
        return "Delete the file and probe again: `dvc repro probe`, or src/probe.py."


def find_results(runs: Path, sweep: str) -> Iterator[Path]:
    """Yield the result files of a sweep, sorted by their place."""
    yield from sorted((runs / sweep).glob("**/result.json"))


def readable_results(runs: Path, sweep: str) -> Iterator[Result]:
    """Yield the results of a sweep that can be read; verdicts.json names those that cannot."""
    for path in find_results(runs, sweep):
        with suppress(ResultError):
            yield Result.read(path)


def finished(folder: Path, fingerprint: str) -> Result | None:
    """Return the complete result of exactly this run, None if the folder holds none."""
    try:
        result = Result.read(folder / "result.json")
    except ResultError:
        return None
    return result if result.fingerprint == fingerprint else None


def is_finished(folder: Path, fingerprint: str) -> bool:
    """Tell whether a folder holds a complete result of exactly this run."""
    return finished(folder, fingerprint) is not None
