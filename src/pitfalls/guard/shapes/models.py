"""Models: finds labels and predictions whose shapes disagree, and outputs that are not what was declared.

Imported only where a model is in hand: it needs Keras on TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import tree

from pitfalls.guard.findings import Finding, GuardError, Report
from pitfalls.guard.shapes.tracing import Meeting, meetings_of

UNREPAIRED = "a Loss subclass, a metric function, compute_loss or a hand-written step"


def check_model(
    model: Any,
    batch: Any,
    loss: Any = None,
    metrics: Any = None,
    *,
    step: Callable[..., Any] | None = None,
    allow: Sequence[str] = (),
    name: str | None = None,
) -> Report:
    """Find labels and predictions that broadcast, and a declared shape that the real one contradicts.

    The loss is traced with the shapes of the batch, through whatever ``compile``, ``compute_loss`` or
    ``train_step`` the model has; nothing is trained.

    Args:
        model: A Keras model.
        batch: ``(inputs, labels)`` or ``(inputs, labels, sample_weight)``.
        loss: Check this loss as ``compile`` would take it, instead of the model's own.
        metrics: Check these metrics with it.
        step: A hand-written step instead: called with the parts of the batch, or with the batch.
        allow: Names of losses or metrics whose broadcast is meant.
        name: What the report calls the model.

    Returns:
        A report. A finding with ``repaired`` set costs nothing on this path: Keras aligns the ranks first.

    Raises:
        GuardError: There is no loss to look at, or the model does not take this batch.
    """
    parts = unpacked(batch)
    notes = []
    parts, doubled = _at_least_two_rows(parts)
    by_hand = step is not None or (loss is None and metrics is None and _has_own_step(model))
    prediction = _predicted(model, parts[0], needed=not by_hand)
    declared = list(declared_findings(model, parts[0], prediction)) if prediction is not None else []
    if prediction is None:
        notes.append("Its output: the model cannot be called by itself, only its training step was traced.")
    meetings: list[Meeting] = []
    if len(parts) > 1 or by_hand:
        traced, marked = _what_to_trace(model, parts, prediction, loss, metrics, step)
        meetings = _traced(traced, marked)
    elif loss is not None or model.compiled:
        notes.append("Losses: the batch has no labels.")
    if doubled:
        notes.append("A batch of one row: it was doubled, as a broadcast of one row cannot be seen.")
    findings = [*broadcast_findings(meetings, allow), *declared]
    return Report(name or str(getattr(model, "name", "model")), tuple(findings), tuple(notes), 1)


def unpacked(batch: Any) -> tuple[Any, ...]:
    """Return inputs, labels and sample weights, as far as a batch has them."""
    if isinstance(batch, list) and len(batch) in (2, 3):
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        return (tree.map_structure(_array, batch),)
    if not 1 <= len(batch) <= 3:
        raise GuardError(
            f"A batch is (inputs, labels) or (inputs, labels, sample_weight); this has {len(batch)} parts."
        )
    while len(batch) > 1 and batch[-1] is None:
        batch = batch[:-1]
    return tuple(tree.map_structure(_array, part) for part in batch)


def _array(leaf: Any) -> Any:
    """Return a leaf as an array of the dtype that Keras would see; None stays None."""
    if leaf is None:
        return None
    array = np.asarray(leaf)
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:
        return array.astype("float32")
    return array


def _at_least_two_rows(parts: tuple[Any, ...]) -> tuple[tuple[Any, ...], bool]:
    """Double a batch of one row."""
    rows = {leaf.shape[0] for leaf in tree.flatten(parts) if leaf is not None and leaf.ndim}
    if rows != {1}:
        return parts, False
    return tree.map_structure(_doubled, parts), True


def _doubled(leaf: Any) -> Any:
    return leaf if leaf is None or not leaf.ndim else np.repeat(leaf, 2, axis=0)


def _has_own_step(model: Any) -> bool:
    return type(model).train_step is not keras.Model.train_step


def _predicted(model: Any, inputs: Any, needed: bool) -> Any:
    """Return what the model really computes for a batch, or None if it may go without."""
    try:
        return tree.map_structure(np.asarray, model(inputs, training=False))
    except Exception as error:
        if not needed:
            return None
        raise GuardError(
            f"The model does not take this batch: {type(error).__name__}: {_last_line(error)}"
        ) from error


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[0] if lines else "no message"


def _what_to_trace(
    model: Any, parts: tuple[Any, ...], prediction: Any, loss: Any, metrics: Any, step: Any
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the step to trace, and what it is given, by role."""
    marked = dict(zip(("inputs", "labels", "sample_weight"), parts, strict=False))
    if step is not None:
        return _own_step(step, len(parts)), marked
    if loss is not None or metrics is not None:
        marked = {**marked, "prediction": prediction}
        marked.pop("inputs")
        return _compiled_step(model, loss, metrics), marked
    if not model.compiled and not _has_own_step(model):
        raise GuardError(
            "The model is not compiled, so there is no loss to check.\n"
            "Compile it, or name one: check_model(model, batch, loss='mse'), pitfalls check ... --loss mse."
        )
    return lambda **given: model.train_step(tuple(given.values())), marked


def _own_step(step: Callable[..., Any], count: int) -> Callable[..., Any]:
    import inspect

    try:
        inspect.signature(step).bind(*range(count))
        return lambda **given: step(*given.values())
    except TypeError:
        return lambda **given: step(tuple(given.values()))


def _compiled_step(model: Any, loss: Any, metrics: Any) -> Callable[..., Any]:
    """Return a step that computes a loss and metrics as ``compile(loss=..., metrics=...)`` would."""
    from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics

    names = getattr(model, "output_names", None)
    if metrics is not None and not isinstance(metrics, (list, tuple, dict)):
        metrics = [metrics]

    def step(labels: Any, prediction: Any, sample_weight: Any = None) -> None:
        if loss is not None:
            CompileLoss(loss, output_names=names)(labels, prediction, sample_weight)
        if metrics is not None:
            CompileMetrics(metrics, None, output_names=names).update_state(labels, prediction)

    return step


def _traced(step: Callable[..., Any], marked: dict[str, Any]) -> list[Meeting]:
    try:
        return meetings_of(step, marked)
    except Exception as error:
        raise GuardError(
            f"The loss cannot be computed on this batch: {type(error).__name__}: {_last_line(error)}"
        ) from error


def broadcast_findings(meetings: Sequence[Meeting], allow: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each loss or metric, the first meeting of each."""
    seen = set()
    for meeting in sorted(meetings, key=lambda m: m.repaired):
        key = (meeting.name, meeting.path, meeting.place, meeting.in_metric)
        if key in seen or any(is_named(meeting, name) for name in allow):
            continue
        seen.add(key)
        text = repaired_message(meeting) if meeting.repaired else broadcast_message(meeting)
        file, line = (meeting.place.file, meeting.place.line) if meeting.place else (None, None)
        yield Finding("broadcast-loss", meeting.path, 0, text, fix_for(meeting), file, line, meeting.repaired)


def is_named(meeting: Meeting, name: str) -> bool:
    """Tell whether a name is one of a loss's: its own, its function's, or its class's."""
    automatic = {re.sub(r"_\d+$", "", known) for known in meeting.names}
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return name in meeting.names or name in automatic or snake in automatic


def broadcast_message(meeting: Meeting) -> str:
    """Say what meets what, and what it costs."""
    kind = "metric" if meeting.in_metric else "loss"
    every = len(meeting.label) != len(meeting.prediction)
    head = "subtract every label from every prediction" if every else "broadcast labels against predictions"
    lines = [
        f"this {kind} would {head}.",
        f"  {kind:<11} {meeting.name}{_at(meeting)}",
        *_shapes(meeting),
        "  repaired    no: nothing aligns the shapes on this path",
    ]
    return "\n".join(lines)


def repaired_message(meeting: Meeting) -> str:
    """Say what would meet what, were it not for the repair."""
    kind = "metric" if meeting.in_metric else "loss"
    lines = [
        "labels and predictions differ in rank, and Keras repairs it here.",
        f"  {kind:<11} {meeting.name}{_at(meeting)}",
        *_shapes(meeting),
        f"  repaired    yes on this path; not in {UNREPAIRED}",
    ]
    return "\n".join(lines)


def refusal_message(meeting: Meeting) -> str:
    """Say why a loss was not computed at all."""
    head = "this loss refuses labels and predictions of different shapes."
    return "\n".join(
        [head, f"  loss        {meeting.name}{_at(meeting)}", *_shapes(meeting), fix_for(meeting)]
    )


def _shapes(meeting: Meeting) -> list[str]:
    count = f"{meeting.averaged} errors averaged where {meeting.meant} are meant"
    return [
        f"  label       {meeting.label}",
        f"  prediction  {meeting.prediction}",
        f"  difference  {meeting.result}: {count}",
    ]


def _at(meeting: Meeting) -> str:
    return f", {meeting.place.text}" if meeting.place else ""


def fix_for(meeting: Meeting) -> str:
    """Say what to change."""
    if len(meeting.label) == len(meeting.prediction) - 1:
        return "Give the labels a last axis, for example y[:, None], before they reach the loss."
    if len(meeting.label) == len(meeting.prediction) + 1:
        return "Give the prediction its last axis back: the model drops it, as in a Lambda or a squeeze."
    name = meeting.name
    return f"Give labels and predictions one shape; if this broadcast is meant, name it: allow=[{name!r}]."


def declared_findings(model: Any, inputs: Any, prediction: Any) -> Iterator[Finding]:
    """Yield a finding for each output whose real shape is not the declared one."""
    declared = _declared_shapes(model)
    real = [tuple(leaf.shape) for leaf in tree.flatten(prediction)]
    if declared is None or len(declared) != len(real):
        return
    predicted = _predict_shapes(model, inputs)
    for index, (said, is_) in enumerate(zip(declared, real, strict=True)):
        predict = predicted[index] if index < len(predicted) else is_
        if _agree(said, is_) and _agree(said, predict):
            continue
        path = "outputs" if len(real) == 1 else f"outputs[{index}]"
        message = "\n".join(
            [
                "the model declares another output shape than it computes.",
                f"  declared    {said}",
                f"  computed    {is_}",
                f"  predict     {predict}",
                "  costs       whatever trusts the declared shape, and a loss that broadcasts",
            ]
        )
        fix = "Correct the layer that declares it (output_shape=, compute_output_shape), or what it returns."
        yield Finding("declared-shape", path, 0, message, fix)


def _declared_shapes(model: Any) -> list[tuple[Any, ...]] | None:
    """Return the output shapes a model declares, flat; None if it declares none."""
    try:
        outputs = model.outputs
        return [tuple(output.shape) for output in outputs] if outputs else None
    except (AttributeError, ValueError):
        return None


def _predict_shapes(model: Any, inputs: Any) -> list[tuple[int, ...]]:
    """Return the shapes that ``predict`` gives; nothing if it cannot be called."""
    try:
        return [tuple(np.shape(leaf)) for leaf in tree.flatten(model.predict_on_batch(inputs))]
    except Exception:
        return []


def _agree(declared: Sequence[Any], real: Sequence[int]) -> bool:
    """Tell whether a real shape fits a declared one."""
    return len(declared) == len(real) and all(a in (None, b) for a, b in zip(declared, real, strict=True))
