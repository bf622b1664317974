"""Declared: outputs whose shape is not the one that the model declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import keras
import numpy as np
from keras import tree

from pitfalls.guard.findings import Finding
from pitfalls.guard.shapes.meeting import Shape
from pitfalls.guard.shapes.messages import DeclaredShape, declared_message

FIX = "Correct the layer that declares it (output_shape=, compute_output_shape), or what it returns."


def declared_findings(model: keras.Model, inputs: Any, prediction: Any) -> Iterator[Finding]:
    """Yield a finding for each output whose real shape is not the declared one."""
    if prediction is None:
        return
    declared = _declared_shapes(model)
    computed = [tuple(leaf.shape) for leaf in tree.flatten(prediction)]
    if declared is None or len(declared) != len(computed):
        return
    predicted = _predicted_shapes(model, inputs)[: len(computed)]
    outputs = zip_longest(declared, computed, predicted)
    for index, (said, is_, predict) in enumerate(outputs):
        if not (_agree(said, is_) and (predict is None or _agree(said, predict))):
            path = "outputs" if len(computed) == 1 else f"outputs[{index}]"
            yield Finding("declared-shape", path, 0, declared_message(said, is_, predict), FIX)


def _declared_shapes(model: keras.Model) -> list[DeclaredShape] | None:
    """Return the output shapes a model declares, flat; None if it declares none."""
    try:
        outputs = model.outputs
        return [tuple(output.shape) for output in outputs] if outputs else None
    except (AttributeError, ValueError):
        return None


def _predicted_shapes(model: keras.Model, inputs: Any) -> list[Shape]:
    """Return the shapes that ``predict`` gives; nothing if it cannot be called."""
    try:
        return [np.shape(leaf) for leaf in tree.flatten(model.predict_on_batch(inputs))]
    except Exception:
        return []


def _agree(declared: DeclaredShape, real: Sequence[int]) -> bool:
    """Tell whether a real shape fits a declared one."""
    return len(declared) == len(real) and all(a in (None, b) for a, b in zip(declared, real, strict=True))
