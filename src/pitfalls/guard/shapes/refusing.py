"""Refusing: stops a broadcast before it trains anything.

``ShapeGuard`` looks once, at the first batch that ``fit`` is really given. ``no_broadcast``
makes a loss look whenever it is traced, and at run time where a shape is not known before.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import keras
from keras import tree

from pitfalls.guard.findings import BroadcastLossError, GuardError, Report
from pitfalls.guard.shapes import private
from pitfalls.guard.shapes.meeting import Meeting, Shape
from pitfalls.guard.shapes.messages import refusal_message
from pitfalls.guard.shapes.models import check_model
from pitfalls.guard.shapes.trying import Form


class ShapeGuard(keras.callbacks.Callback):
    """Raises ``BroadcastLossError`` before the first step of ``fit`` if labels and predictions broadcast.

    What Keras repairs is let through: ``check_model`` reports it.
    """

    def __init__(self, allow: Sequence[str] = ()) -> None:
        """Let the losses and metrics named in ``allow`` broadcast."""
        super().__init__()
        self.allow = tuple(allow)

    def on_train_begin(self, logs: Any = None) -> None:
        """Stand in front of the first step, and of that one only."""
        private.before_first_step(self.model, functools.partial(self.look, self.model))

    def look(self, model: keras.Model, batch: Any, state: Any = None) -> None:
        """Raise if a batch would broadcast in a model's loss or metrics.

        Args:
            model: What is trained.
            batch: What the first step is given.
            state: On JAX the variables of the model, which has none of its own while it is trained.
        """
        try:
            report = _report_on(model, batch, state, self.allow)
        except private.UnknownVersionError:
            raise
        except GuardError:
            return
        bites = [finding for finding in report if finding.rule == "broadcast-loss" and not finding.repaired]
        if bites:
            raise BroadcastLossError("\n\n".join(finding.text for finding in bites))


def _report_on(model: keras.Model, batch: Any, state: Any, allow: Sequence[str]) -> Report:
    """Return what is wrong with a model on the first batch of ``fit``."""
    if keras.config.backend() == "tensorflow":
        local = tree.map_structure(lambda value: private.first_replica(model, value), batch)
        return check_model(model, _without_optionals(local), allow=allow)
    from pitfalls.guard.shapes.heard_models import check_heard

    arrays = tree.map_structure(
        lambda leaf: None if leaf is None else keras.ops.convert_to_numpy(leaf), batch
    )
    return check_heard(model, arrays, None, None, allow, None, state)


def _without_optionals(batch: Any) -> Any:
    """Replace TensorFlow's empty optionals by None, as Keras does."""
    if not isinstance(batch, tuple):
        return batch
    optional = sys.modules["tensorflow"].experimental.Optional
    return tuple(None if isinstance(part, optional) else part for part in batch)


def no_broadcast(loss: Any) -> NoBroadcastLoss:
    """Return a loss that computes what the given one does, and refuses to broadcast.

    A model that was saved with it is loaded where this function has been imported.

    Args:
        loss: The name of a Keras loss, a function, or a ``Loss``.

    Returns:
        A ``Loss`` for ``compile``; called with two arguments it returns what the given loss does.
    """
    return NoBroadcastLoss(keras.losses.get(loss))


def aligned(loss: Any) -> NoBroadcastLoss:
    """Return ``no_broadcast(loss)``: this is its old name."""
    warnings.warn(
        "guard.aligned(loss) is now called guard.no_broadcast(loss): it aligns nothing, it refuses.",
        DeprecationWarning,
        stacklevel=2,
    )
    return no_broadcast(loss)


@keras.saving.register_keras_serializable("pitfalls")
class NoBroadcastLoss(keras.losses.Loss):
    """A loss behind a check of shapes; Keras hands it labels and predictions before any repair."""

    def __init__(self, inner: Any) -> None:
        """Stand in front of a function or a loss."""
        if not callable(inner):
            raise TypeError(
                f"A loss is a name, a function or a keras.losses.Loss; this is a {type(inner).__name__}."
            )
        super().__init__(name=getattr(inner, "name", None) or getattr(inner, "__name__", None))
        self.inner = inner
        self._answers: dict[tuple[Shape, Shape, tuple[Any, ...]], str | None] = {}

    def __call__(self, y_true: Any, y_pred: Any, *sample_weight: Any) -> Any:
        """Refuse, or compute the inner loss."""
        if keras.config.backend() == "tensorflow":
            from pitfalls.guard.shapes.traced_refusal import computed

            return computed(self, y_true, y_pred, *sample_weight)
        labels, predictions = (keras.ops.convert_to_tensor(part) for part in (y_true, y_pred))
        self.refuse(
            *(tuple(map(int, part.shape)) for part in (labels, predictions)), labels.dtype, predictions.dtype
        )
        compute = self.as_compiled() if sample_weight else self.inner
        return compute(labels, predictions, *sample_weight)

    def as_compiled(self) -> keras.losses.Loss:
        """Return the inner loss as ``compile`` would take it, with its repair and its weights."""
        is_loss = isinstance(self.inner, keras.losses.Loss)
        return self.inner if is_loss else private.wrapped_loss(self.inner)

    def refuse(self, label: Shape, prediction: Shape, *dtypes: Any) -> None:
        """Raise ``BroadcastLossError`` if these shapes would broadcast, or would but for a repair."""
        key = (label, prediction, dtypes)
        if key not in self._answers:
            self._answers[key] = self._answer(label, prediction, *dtypes)
        answer = self._answers[key]
        if answer:
            raise BroadcastLossError(answer)

    def _answer(self, label: Shape, prediction: Shape, *dtypes: Any) -> str | None:
        """Return why these shapes are refused, or None: also where the loss itself will raise."""
        if not private.hears_repairs():
            raise private.UnknownVersionError(private.RANK_REPAIR)
        meeting = self._meeting(label, prediction, *dtypes)
        return refusal_message(meeting) if meeting else None

    def _meeting(self, label: Shape, prediction: Shape, *dtypes: Any) -> Meeting | None:
        """Return how the inner loss brings these shapes together, in the way of the backend."""
        if keras.config.backend() == "tensorflow":
            from pitfalls.guard.shapes.traced_refusal import meeting_of

            return meeting_of(self.as_compiled(), label, prediction, *dtypes)
        from pitfalls.guard.shapes.heard_models import meeting_of_loss

        pairs = zip((label, prediction), dtypes, strict=True)
        forms = (Form(shape, "int" in str(dtype)) for shape, dtype in pairs)
        return meeting_of_loss(self.as_compiled(), *forms)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the loss again."""
        return {"inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NoBroadcastLoss:
        """Build the loss again."""
        return cls(keras.saving.deserialize_keras_object(config["inner"]))
