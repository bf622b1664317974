"""Trying: runs a loss on values, to see whether it broadcasts labels against predictions. NumPy alone.

What cannot be traced can be asked. A loss broadcasts by accident if it answers the same when labels and
predictions are broadcast against each other beforehand. Where every label meets every prediction, it
does not notice either that the labels are shuffled, though it would if they had the predictions' shape.
A loss that squeezes or expands its arguments answers otherwise.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from pitfalls.guard.shapes.meeting import Meeting, Shape

Loss = Callable[[np.ndarray, np.ndarray], Any]
"""Takes labels and predictions, and returns anything that NumPy can read."""

ROWS = 6
SIGNIFICANT = 1e-4


def meeting_in(loss: Loss, labels: Form, prediction: Form, names: tuple[str, ...]) -> Meeting | None:
    """Return how a loss broadcasts labels against predictions, None where it does not, or cannot be run.

    Args:
        loss: Is run a few times on small arrays of drawn values.
        labels: Their shape and whether they are integers.
        prediction: The same.
        names: What the loss is called.
    """
    result = broadcast(labels.shape, prediction.shape)
    if labels.shape == prediction.shape or not result:
        return None
    if not in_a_thread(lambda: _broadcasts(loss, *_fewer_rows(labels, prediction))):
        return None
    return Meeting(labels.shape, prediction.shape, result, "labels", names, None, False)


class Form:
    """The shape of an array, and whether it holds integers."""

    def __init__(self, shape: Shape, is_integer: bool = False) -> None:
        """Keep them."""
        self.shape, self.is_integer = shape, is_integer

    @classmethod
    def of(cls, array: Any) -> Form:
        """Return the form of an array or a tensor."""
        name = str(array.dtype)
        return cls(tuple(int(size) for size in array.shape), "int" in name or "bool" in name)

    def drawn(self, rng: np.random.Generator, classes: int) -> np.ndarray:
        """Return values of this form: probabilities, or classes."""
        if self.is_integer:
            return rng.integers(0, classes, self.shape)
        return rng.uniform(0.1, 0.9, self.shape).astype(np.float32)


def in_a_thread(ask: Callable[[], Any]) -> Any:
    """Return an answer that is found in a thread of its own: there no framework is tracing a step.

    What raises there is no answer.
    """
    answers: list[Any] = []
    thread = threading.Thread(target=_answer_into, args=(answers, ask))
    thread.start()
    thread.join()
    return answers[0] if answers else None


def _answer_into(answers: list[Any], ask: Callable[[], Any]) -> None:
    """Add an answer, none where asking raises."""
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers.append(ask())


def _broadcasts(loss: Loss, labels: Form, prediction: Form) -> bool:
    """Tell whether a loss does what it does when everything meets everything."""
    rng = np.random.default_rng(0)
    classes = prediction.shape[-1] if len(prediction.shape) > 1 and prediction.shape[-1] > 1 else 2
    p, y, other = prediction.drawn(rng, 2), labels.drawn(rng, classes), labels.drawn(rng, classes)
    answer = _answer(loss, y, p)
    if not np.isfinite(answer) or not _same(answer, _answer(loss, y, p)):
        return False
    if _same(answer, _answer(loss, other, p)):
        return False  # labels do not matter
    if y.size == p.size and not _forgets_the_order(loss, y, p, answer):
        return False
    shape = np.broadcast_shapes(y.shape, p.shape)
    return _same(answer, _answer(loss, np.broadcast_to(y, shape).copy(), np.broadcast_to(p, shape).copy()))


def _forgets_the_order(loss: Loss, y: np.ndarray, p: np.ndarray, answer: float) -> bool:
    """Tell whether it makes no difference which label belongs to which prediction, but only because of the shapes."""
    shuffled = np.roll(y.reshape(-1), 1).reshape(y.shape)
    return _same(answer, _answer(loss, shuffled, p)) and not _same(
        answer, _answer(loss, y.reshape(p.shape), p)
    )


def _answer(loss: Loss, labels: np.ndarray, prediction: np.ndarray) -> float:
    return float(np.mean(np.asarray(loss(labels, prediction), dtype=np.float64)))


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= SIGNIFICANT * max(abs(a), abs(b))


def _fewer_rows(labels: Form, prediction: Form) -> tuple[Form, Form]:
    """Return the forms with a few rows, where both have the same many: all against all are their square."""
    rows = {form.shape[0] for form in (labels, prediction) if form.shape}
    if len(rows) != 1 or rows == {1}:
        return labels, prediction
    return Form((ROWS, *labels.shape[1:]), labels.is_integer), Form(
        (ROWS, *prediction.shape[1:]), prediction.is_integer
    )


def broadcast(a: Shape, b: Shape) -> Shape:
    """Return the shape that two shapes broadcast to, or nothing if they do not."""
    try:
        return tuple(int(size) for size in np.broadcast_shapes(a, b))
    except ValueError:
        return ()
