"""One run: its result and its claim make a verdict.

A verdict needs the loss within four standard errors of the claim, the share of independent
rows within its bounds, the shape of the difference, the effect that the mechanism leads to,
and the guard's rules: the loss alone could not tell C from V.
"""

from math import hypot, sqrt

from pitfalls import claims
from pitfalls.claims import Expectation, Mechanism, closed_forms
from pitfalls.claims.mechanism import MASKED_TO
from pitfalls.claims.twin import REPLICAS, Excess, Schedule, Shares, rmsprop_excess
from pitfalls.results import Claim, Effect, Fired, Result, Verdict, Word
from pitfalls.verdicts.words import plain

STANDARD_ERRORS = 4
"""72 claims at three seeds: at three standard errors chance alone would fail one."""

FLOAT32_ROUNDING = 1e-7
"""What float32 may add, as a share of the largest loss that the task knows."""


def judge(result: Result, fired: list[str] | None = None) -> Verdict:
    """Return the verdict on one run's measurements.

    Args:
        result: What it measured.
        fired: The rules of the guard that fired on its cell; None if the guard did not look.
    """
    expected = claims.of(mechanism_of(result), result.task)
    share = closed_forms.independent_share(result.broken_rows, result.task.high)
    is_race = expected.coupling.is_race
    claimed_share = min(share, 1.0) if is_race else expected.coupling.least
    claim = claim_for(result, expected, claimed_share)
    effect = measured_effect(result, expected, share)
    guard = None if fired is None else Fired(fired=sorted(set(fired)), expected=expected.rules)
    wrong = [
        *failures(result, expected, share),
        *([] if guard is None or guard.as_expected else [disagreement(guard)]),
    ]
    if beyond := why_unclaimed(result, claim, expected.loss(claimed_share)):
        word: Word = "fail" if wrong else "unclaimed"
        return Verdict(claim=None, effect=effect, verdict=word, reasons=[*wrong, beyond], guard=guard)
    reasons = [
        *([] if claim.holds(result.final_loss) else [miss(result.final_loss, claim)]),
        *wrong,
        *([f"effect {effect}, not {expected.effect}"] if expected.effect not in (effect, None) else []),
    ]
    return Verdict(
        claim=claim, effect=effect, verdict="fail" if reasons else "pass", reasons=reasons, guard=guard
    )


def mechanism_of(result: Result) -> Mechanism:
    """Read the mechanism of a run out of its measurements."""
    mechanism, shapes, offsets = result.mechanism, result.shapes, result.buffer_address_mod_64
    return Mechanism(
        framework=result.framework,
        dtype=mechanism.dtype,
        load=result.load or 0,
        feed=mechanism.feed,
        yields=mechanism.yields,
        threaded=mechanism.threaded,
        hand_over=mechanism.hand_over,
        waits=mechanism.waits,
        expands_labels=mechanism.labels == "expanded",
        repairs_ranks=mechanism.loss == "repairing",
        trainable=result.is_trainable,
        inputs_offset=offsets.inputs,
        labels_offset=offsets.labels,
        label=shapes.labels,
        prediction=shapes.prediction,
        declared_rank=len(shapes.declared_output),
    )


def optimizer_excess(result: Result, shares: Shares, broadcasts: bool, has_one_input: bool = False) -> Excess:
    """Return what the optimizer adds to a closed form: nothing to a fixed model."""
    if not result.is_trainable:
        return Excess(0.0, 0.0)
    task, training = result.task, result.training
    schedule = Schedule(
        tuple(training.learning_rate), training.steps, result.window_steps, training.optimizer
    )
    return rmsprop_excess(task.high, task.batch_size, shares, broadcasts, schedule, has_one_input)


def shares_over_time(result: Result) -> Shares:
    """Return a race's share of independent rows in equally long parts of its training.

    Two digits are plenty for an excess, and let runs share a twin.
    """
    shares = [closed_forms.independent_share(r, result.task.high) for r in result.broken_rows_over_time]
    return tuple(round(min(q, 1.0), 2) for q in shares)


def claim_for(result: Result, expected: Expectation, share: float) -> Claim:
    """Return what a run must measure if a share of its rows is independent.

    Args:
        result: The run's measurements; its own loss is used for its standard error alone.
        expected: What must come of its mechanism.
        share: The share of independent rows, from the mechanism or, in a race, measured.
    """
    is_race = expected.coupling.is_race
    shares = shares_over_time(result) if is_race else (share,)
    excess = optimizer_excess(result, shares, expected.broadcasts, expected.coupling.has_one_input)
    run_error = hypot(loss_error(result, expected, share), excess.standard_error)
    shared_error = excess.standard_error / sqrt(REPLICAS)
    return Claim(
        kind="race" if is_race else "closed_form",
        loss=expected.loss(share) + excess.loss,
        tolerance=STANDARD_ERRORS * hypot(run_error, shared_error) + rounding(result.task.high),
        formula=expected.formula,
        reason=expected.reason,
        run_error=run_error,
        shared_error=shared_error,
    )


def loss_error(result: Result, expected: Expectation, share: float) -> float:
    """Return the standard error of a run's loss about its claim, without the optimizer's.

    Blocks of steps tell it, but for what they cannot see: the noise of a race's own q, that in a full
    queue a step shares a batch with the step a whole queue later, and inputs that many steps share.
    """
    high, rows = result.task.high, result.window_steps * result.task.batch_size
    if expected.coupling.is_race:
        own = closed_forms.stale_loss_standard_error(high, share, rows)
        return hypot(result.standard_error, own, held_inputs_error(result, expected, share))
    if expected.coupling.has_one_input and not result.is_trainable:
        own = closed_forms.one_input_loss_standard_error(high, result.task.batch_size, result.window_steps)
        return max(result.standard_error, own)
    if share and not result.is_trainable:
        return max(result.standard_error, closed_forms.queued_loss_standard_error(high, rows))
    return result.standard_error


def held_inputs_error(result: Result, expected: Expectation, share: float) -> float:
    """Return the part of a race's standard error that comes of inputs which many steps read; blocks do not see it.

    A trained model answers the mean to every question, so its loss does not depend on the inputs.
    """
    readers = expected.mechanism.most_readers
    if readers == 1 or result.is_trainable:
        return 0.0
    contents = max(1, result.window_steps // readers)
    return closed_forms.held_inputs_loss_standard_error(
        result.task.high, share, contents * result.task.batch_size
    )


def why_unclaimed(result: Result, claim: Claim, optimum: float) -> str:
    """Say why nothing is claimed, nothing if something is.

    A trained model's effects are told apart by losses between 0 and V. Where the optimizer alone adds more than
    that, at rates that are too high or trainings that are too short, the loss tells nothing.
    """
    largest = closed_forms.variance_of_mean(result.task.high)
    added = claim.loss - optimum
    if not result.is_trainable or added + claim.tolerance <= largest:
        return ""
    return (
        f"at this schedule RMSprop alone adds about {added:.4g} to the loss, and every effect lies within {largest:.4g}: "
        "nothing is claimed. Lower training.learning_rate, or train longer: training=quick"
    )


def rounding(high: int) -> float:
    """Return what float32 may add to a loss."""
    return FLOAT32_ROUNDING * closed_forms.stale_lambda_loss(high)


def measured_effect(result: Result, expected: Expectation, share: float) -> Effect:
    """Return what became of the bug, from what was measured.

    No bug: clean. A loss off its sound value: bites. Else masked if rewritten content
    reached the model or if prediction and labels both lack the axis; else repaired.
    A race may break up to 5 % of the rows and count as masked; one that is rare is so whatever a window shows.
    """
    m, is_race = expected.mechanism, expected.coupling.is_race
    if not (m.has_rank_bug or m.has_aliasing):
        return "clean"
    if expected.effect == "rare":
        return "rare"
    allowed = MASKED_TO if is_race else 0.0
    # A race that ended sound may still carry the excess of its beginning.
    shares = shares_over_time(result) if is_race and share <= allowed else (allowed,)
    excess = optimizer_excess(result, shares, False)
    sound = expected.loss_without_broadcast(allowed) + excess.loss
    tolerance = STANDARD_ERRORS * hypot(result.standard_error, excess.standard_error)
    if result.final_loss > sound + tolerance + FLOAT32_ROUNDING * result.task.high**2:
        return "bites"
    is_rewritten = bool(result.rewritten_batches) or repeats_beyond_chance(result)
    return "masked" if is_rewritten or m.is_rank_bug_masked else "repaired"


def repeats_beyond_chance(result: Result) -> bool:
    """Tell whether more batches repeat than equal draws explain: the mark of a buffer read twice."""
    p = closed_forms.chance_of_repeat(result.task.high, result.task.batch_size)
    return result.repeated_batches > p + STANDARD_ERRORS * sqrt(p * (1 - p) / result.window_steps)


def failures(result: Result, expected: Expectation, share: float) -> list[str]:
    """Return what did not hold of share and shape, one sentence each."""
    found = []
    bounds = expected.coupling
    noise = 0.0 if bounds.most == 0 else share_tolerance(result, bounds.has_one_input)
    if not bounds.least - noise <= share <= bounds.most + noise:
        found.append(f"share of independent rows {share:.4f} is not in [{bounds.least:g}, {bounds.most:g}]")
    difference = result.shapes.loss_difference
    if difference != expected.difference:
        found.append(f"the loss computed on {list(difference)}, not on {list(expected.difference)}")
    return found


def miss(loss: float, claim: Claim) -> str:
    """Say that a loss is not the claimed one, with enough digits to see by how little."""
    claimed, tolerance = plain(claim.loss, 6), plain(claim.tolerance, 3)
    return f"loss {plain(loss, 6)} is not {claimed} within {tolerance}"


def disagreement(guard: Fired) -> str:
    """Say what the guard fired, and what it must."""
    fired, expected = (", ".join(rules) or "nothing" for rules in (guard.fired, guard.expected))
    return f"the guard fired {fired}, where it must fire {expected}"


def share_tolerance(result: Result, has_one_input: bool = False) -> float:
    """Return four standard errors of a share of independent rows that is all but its chance agreements."""
    task, p0 = result.task, closed_forms.chance_of_agreement(result.task.high)
    if has_one_input:
        own = closed_forms.one_input_rows_standard_error(task.high, task.batch_size, result.window_steps)
        return STANDARD_ERRORS * own / (1 - p0)
    rows = result.window_steps * task.batch_size
    # Batches repeat in a race, so a row may count several times: at most a third were seen to.
    return STANDARD_ERRORS * sqrt(3 * p0 * (1 - p0) / rows) / (1 - p0)
