"""Plain models: finds labels that broadcast against the predictions of a PyTorch module or a JAX function.

The loss is tried on values, see `trying`; nothing is trained. Nothing is imported here: whoever has
such a model has imported its framework.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from pitfalls.guard.findings import Finding, GuardError, Report, first_line
from pitfalls.guard.shapes.meeting import Shape
from pitfalls.guard.shapes.messages import broadcast_findings, declared_message
from pitfalls.guard.shapes.trying import Form, meeting_in
from pitfalls.guard.stream import tensors

NO_LOSS = "There is no loss to check: name it, check_model(model, batch, loss=torch.nn.functional.mse_loss)."
DECLARED_FIX = "Correct what is declared, or what the model returns."


def check_plain(
    model: Callable[..., Any],
    batch: Any,
    loss: Callable[..., Any] | None,
    declared: Sequence[int | None] | None,
    allow: Sequence[str],
    name: str | None,
) -> Report:
    """Return what is wrong with a module of PyTorch, or a function of JAX; see `models.check_model`."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise GuardError("A batch is (inputs, labels), arrays or tensors.")
    if loss is None and declared is None:
        raise GuardError(NO_LOSS)
    prediction, labels = _predicted(model, batch[0]), _like(batch[1], model)
    findings = list(_declared(declared, tuple(prediction.shape)))
    if loss is not None:
        names = (str(getattr(loss, "__name__", type(loss).__name__)),)
        meeting = meeting_in(_in_arrays(loss, model), Form.of(labels), Form.of(prediction), names)
        findings = [*broadcast_findings([meeting] if meeting else [], allow), *findings]
    title = name or str(getattr(model, "__name__", type(model).__name__))
    return Report(title, tuple(findings), (), 1)


def is_module(model: Any) -> bool:
    """Tell whether a model is a module of PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _like(array: Any, model: Any) -> Any:
    """Return an array as the model's framework takes it; PyTorch's modules are mostly float32."""
    if not is_module(model):
        return array
    torch = sys.modules["torch"]
    tensor = torch.as_tensor(array)
    return tensor.float() if tensor.dtype == torch.float64 else tensor


def _predicted(model: Callable[..., Any], inputs: Any) -> Any:
    """Return what a model answers, as it would when it is not trained."""
    was_training = getattr(model, "training", False) if is_module(model) else False
    without_gradient = sys.modules["torch"].no_grad() if is_module(model) else nullcontext()
    try:
        if was_training:
            model.eval()  # type: ignore[attr-defined]
        with without_gradient:
            return model(_like(inputs, model))
    except Exception as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise GuardError(f"The model does not take this batch: {what}") from error
    finally:
        if was_training:
            model.train()  # type: ignore[attr-defined]


def _in_arrays(loss: Callable[..., Any], model: Any) -> Callable[[np.ndarray, np.ndarray], Any]:
    """Return a loss, which takes predictions first there, as one of NumPy arrays."""

    def compute(labels: np.ndarray, prediction: np.ndarray) -> Any:
        answer = loss(_like(prediction, model), _like(labels, model))
        return tensors.array_of(answer) if tensors.is_tensor(answer) else answer

    return compute


def _declared(declared: Sequence[int | None] | None, computed: Shape) -> list[Finding]:
    """Return a finding where a model returns another shape than is declared."""
    if declared is None or (
        len(declared) == len(computed)
        and all(a in (None, b) for a, b in zip(declared, computed, strict=True))
    ):
        return []
    message = declared_message(tuple(declared), computed, computed)
    return [Finding("declared-shape", "outputs", 0, message, DECLARED_FIX)]
