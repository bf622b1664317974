"""Models: finds labels and predictions whose shapes disagree, and outputs that are not what was declared.

What a model is written in decides how it is looked at; nothing is imported before that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pitfalls.guard.findings import GuardError, Report
from pitfalls.guard.shapes.plain_models import check_plain
from pitfalls.guard.stream.streams import is_model

NO_STEP = (
    "backend {} is not traced: a hand-written step cannot be looked at there.\n"
    "Name the loss instead: check_model(model, batch, loss=...)."
)


def check_model(
    model: Any,
    batch: Any,
    loss: Any = None,
    metrics: Any = None,
    *,
    step: Callable[..., Any] | None = None,
    declared: Sequence[int | None] | None = None,
    allow: Sequence[str] = (),
    name: str | None = None,
) -> Report:
    """Find labels and predictions that broadcast, and a declared shape that the real one contradicts.

    A model of Keras on TensorFlow is traced with the shapes of the batch, through whatever ``compile``,
    ``compute_loss`` or ``train_step`` it has. Of Keras on JAX or PyTorch the compiled losses and metrics are
    run, and of any other model the loss that is given, on a few values. Nothing is trained.

    Args:
        model: A Keras model, a module of PyTorch, or a function of inputs.
        batch: ``(inputs, labels)`` or ``(inputs, labels, sample_weight)``.
        loss: Check this loss instead of the model's own: for Keras as ``compile`` would take it, otherwise a
            function of predictions and labels, such as ``torch.nn.functional.mse_loss``.
        metrics: Check these metrics with it.
        step: A hand-written step instead: called with the parts of the batch, or with the batch. Keras on
            TensorFlow alone.
        declared: The shape of the output that the model's author declares, None for the batch: for models
            that do not declare one themselves.
        allow: Names of losses or metrics whose broadcast is meant.
        name: What the report calls the model.

    Returns:
        A report. A finding with ``repaired`` set costs nothing on this path: Keras aligns the ranks first.

    Raises:
        GuardError: There is no loss to look at, or the model does not take this batch.
    """
    if not is_model(model):
        return check_plain(model, batch, loss, declared, allow, name)
    import keras

    backend = keras.config.backend()
    if backend == "tensorflow":
        from pitfalls.guard.shapes.traced_models import check_traced

        return check_traced(model, batch, loss, metrics, step, allow, name)
    if step is not None:
        raise GuardError(NO_STEP.format(backend))
    from pitfalls.guard.shapes.heard_models import check_heard

    return check_heard(model, batch, loss, metrics, allow, name)
