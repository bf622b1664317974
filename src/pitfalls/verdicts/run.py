"""Verification: a result and a claim make a verdict.

Where measurements and closed forms meet, and nowhere else. A verdict needs the loss
within four standard errors of the claim, the share of independent rows within its
bounds, the shape of the difference, and the effect that the mechanism leads to: the
loss alone could not tell C from V.
"""

from dataclasses import asdict, dataclass
from math import hypot, sqrt
from typing import Any

from pitfalls.claims import closed_forms as expectations
from pitfalls.claims.closed_forms import Mechanism
from pitfalls.claims.twin import Excess, Schedule, Shares, rmsprop_excess

STANDARD_ERRORS = 4
"""72 claims at three seeds: at three standard errors chance alone would fail one."""

FLOAT32_ROUNDING = 1e-7
"""What float32 may add, as a share of the largest loss that the task knows."""


@dataclass(frozen=True)
class Claim:
    """What a run must measure."""

    kind: str
    loss: float
    tolerance: float
    formula: str
    reason: str

    def holds(self, loss: float) -> bool:
        """Tell whether a measured loss is within the tolerance."""
        return abs(loss - self.loss) <= self.tolerance


@dataclass(frozen=True)
class Verdict:
    """A claim, what became of the bug, and whether all of it held."""

    claim: Claim
    effect: str
    reasons: list[str]

    @property
    def verdict(self) -> str:
        """``pass`` or ``fail``."""
        return "fail" if self.reasons else "pass"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict with the keys of verdict.json; whether the guard agrees is joined later."""
        return {
            "claim": asdict(self.claim),
            "effect": self.effect,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "guard": None,
        }


def mechanism_of(result: dict[str, Any]) -> Mechanism:
    """Read the mechanism of a run out of its measurements."""
    told, shapes, offsets = result["mechanism"], result["shapes"], result["buffer_address_mod_64"]
    return Mechanism(
        feed=told["feed"],
        threaded=told["threaded"],
        expands_labels=told["labels"] == "expanded",
        repairs_ranks=told["loss"] == "aligned",
        trainable=told["trainable_parameters"] > 0,
        inputs_offset=offsets["inputs"],
        labels_offset=offsets["labels"],
        label=tuple(shapes["labels"]),
        prediction=tuple(shapes["prediction"]),
        declared_rank=len(shapes["declared_output"]),
    )


def optimizer_excess(result: dict[str, Any], shares: Shares, broadcasts: bool) -> Excess:
    """Return what the optimizer adds to a closed form: nothing to a fixed model."""
    if not result["mechanism"]["trainable_parameters"]:
        return Excess(0.0, 0.0)
    training, task = result["training"], result["task"]
    schedule = Schedule(
        rates=tuple((int(first), float(rate)) for first, rate in training["learning_rate"]),
        steps=training["epochs"] * training["steps_per_epoch"],
        window_steps=result["window_steps"],
    )
    return rmsprop_excess(task["high"], task["batch_size"], shares, broadcasts, schedule)


def shares_over_time(result: dict[str, Any]) -> Shares:
    """Return a race's share of independent rows in equally long parts of its training.

    Two digits are plenty for an excess, and let runs share a twin.
    """
    high = result["task"]["high"]
    shares = [expectations.independent_share(r, high) for r in result["broken_rows_over_time"]]
    return tuple(round(min(q, 1.0), 2) for q in shares)


def claim_for(result: dict[str, Any], m: Mechanism, share: float) -> Claim:
    """Return what a run must measure if a share of its rows is independent.

    Args:
        result: The run's measurements; its own loss is used for its standard error alone.
        m: Its mechanism.
        share: The share of independent rows, from the mechanism or, in a race, measured.
    """
    high, batch_size = result["task"]["high"], result["task"]["batch_size"]
    is_race = expectations.coupling(m).is_race
    shares = shares_over_time(result) if is_race else (share,)
    excess = optimizer_excess(result, shares, expectations.broadcasts(m))
    rows = result["window_steps"] * batch_size
    noise = hypot(
        result["standard_error"],
        excess.standard_error,
        expectations.stale_loss_standard_error(high, share, rows) if is_race else 0.0,
    )
    floor = FLOAT32_ROUNDING * expectations.stale_lambda_loss(high)
    return Claim(
        kind="race" if is_race else "closed_form",
        loss=expectations.claimed_loss(m, high, batch_size, share) + excess.loss,
        tolerance=STANDARD_ERRORS * noise + floor,
        formula=expectations.formula(m),
        reason=reason(m),
    )


def reason(m: Mechanism) -> str:
    """Say in one sentence why the mechanism leads to its claim."""
    seen = expectations.coupling(m)
    if seen.least:
        data = "the batch is read after its inputs were refilled, so inputs and labels are independent"
    elif seen.is_rewritten:
        data = "a batch is read after both its arrays were refilled, so inputs and labels still match"
    else:
        data = "inputs and labels reach the model as they were yielded"
    if expectations.broadcasts(m):
        return f"{data}; the loss compares every label with every prediction."
    if expectations.has_rank_bug(m) and not expectations.is_rank_bug_masked(m):
        return f"{data}; labels and predictions are given one rank before the loss."
    return f"{data}; labels and predictions have one shape."


def measured_effect(result: dict[str, Any], m: Mechanism) -> str:
    """Return what became of the bug, from what was measured.

    No bug: clean. A loss off its sound value: bites. Else masked if rewritten content
    reached the model or if prediction and labels both lack the axis; else repaired.
    A race may break up to 5 % of the rows and count as masked.
    """
    if not (expectations.has_rank_bug(m) or expectations.has_aliasing(m)):
        return "clean"
    is_race = expectations.coupling(m).is_race
    share = expectations.MASKED_TO if is_race else 0.0
    seen = expectations.independent_share(result["broken_rows"], result["task"]["high"])
    # A race that ended sound may still carry the excess of its beginning.
    shares = shares_over_time(result) if is_race and seen <= share else (share,)
    excess = optimizer_excess(result, shares, False)
    form = expectations.trainable_loss if m.trainable else expectations.fixed_loss
    sound = form(result["task"]["high"], result["task"]["batch_size"], share, False) + excess.loss
    tolerance = STANDARD_ERRORS * hypot(result["standard_error"], excess.standard_error)
    if result["final_loss"] > sound + tolerance + FLOAT32_ROUNDING * result["task"]["high"] ** 2:
        return "bites"
    is_rewritten = bool(result.get("rewritten_batches")) or repeats_beyond_chance(result)
    return "masked" if is_rewritten or expectations.is_rank_bug_masked(m) else "repaired"


def repeats_beyond_chance(result: dict[str, Any]) -> bool:
    """Tell whether more batches repeat than equal draws explain: the mark of a buffer read twice."""
    task, steps = result["task"], result["window_steps"]
    p = expectations.chance_of_repeat(task["high"], task["batch_size"])
    return result["repeated_batches"] > p + STANDARD_ERRORS * sqrt(p * (1 - p) / steps)


def judge(result: dict[str, Any]) -> Verdict:
    """Return the verdict on one run's measurements."""
    m = mechanism_of(result)
    seen = expectations.coupling(m)
    high = result["task"]["high"]
    share = expectations.independent_share(result["broken_rows"], high)
    claim = claim_for(result, m, min(share, 1.0) if seen.is_race else seen.least)
    effect = measured_effect(result, m)
    return Verdict(claim, effect, [*failures(result, m, claim, share, effect)])


def failures(result: dict[str, Any], m: Mechanism, claim: Claim, share: float, effect: str) -> list[str]:
    """Return what did not hold, one sentence each."""
    found = []
    if not claim.holds(result["final_loss"]):
        found.append(f"loss {result['final_loss']:.6g} is not {claim.loss:.6g} within {claim.tolerance:.3g}")
    seen = expectations.coupling(m)
    noise = 0.0 if seen.most == 0 else share_tolerance(result)
    if not seen.least - noise <= share <= seen.most + noise:
        found.append(f"share of independent rows {share:.4f} is not in [{seen.least:g}, {seen.most:g}]")
    difference = list(expectations.loss_difference(m))
    if result["shapes"]["loss_difference"] != difference:
        found.append(f"the loss computed on {result['shapes']['loss_difference']}, not on {difference}")
    if effect != (expected := expectations.expected_effect(m)):
        found.append(f"effect {effect}, not {expected}")
    return found


def share_tolerance(result: dict[str, Any]) -> float:
    """Return four standard errors of a share of independent rows that is all but its chance agreements."""
    p0 = expectations.chance_of_agreement(result["task"]["high"])
    rows = result["window_steps"] * result["task"]["batch_size"]
    # Batches repeat in a race, so a row may count several times: at most a third were seen to.
    return STANDARD_ERRORS * sqrt(3 * p0 * (1 - p0) / rows) / (1 - p0)
