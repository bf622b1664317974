"""Tracing: records how a loss, a metric or a training step combines labels with predictions.

The step is traced into a TensorFlow graph with the shapes of a real batch; nothing is
run and no weight moves. Each tensor of the graph then carries where it comes from
(labels, inputs, predictions) and what its axes are.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from pitfalls.guard.shapes import axes as ax
from pitfalls.guard.shapes import private
from pitfalls.guard.stream.lines import OWN_CODE

PREDICTION = "prediction"
TEXT_KINDS = ("U", "S", "O")
Stack = Iterable[traceback.FrameSummary]
Marked = dict[str, Any]
"""Structures of arrays by role: ``inputs``, ``labels``, ``sample_weight``, ``prediction``."""


class Repair(NamedTuple):
    """Two tensors whose ranks Keras made equal, and where."""

    a: tf.Tensor
    b: tf.Tensor
    scope: str
    metric: str | None
    stack: list[traceback.FrameSummary]


@dataclass
class Trace:
    """A traced graph with the origins and axes of its tensors."""

    graph: tf.Graph | None = None
    origins: dict[str, frozenset[str]] = field(default_factory=dict)
    axes: dict[str, ax.Axes] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)
    forward: list[tuple[int, int]] = field(default_factory=list)
    layers_entered: int = 0

    def operations(self) -> list[tf.Operation]:
        """Return the operations of the graph, in the order in which they were made."""
        return self.graph.get_operations() if self.graph is not None else []

    def mark(self, tensor: Any, origin: str) -> None:
        """Say where a tensor comes from."""
        if isinstance(tensor, tf.Tensor):
            self.origins[tensor.name] = frozenset([origin])
            self.axes[tensor.name] = ax.raw_axes(tensor.shape if tensor.shape.rank is not None else ())

    def origin(self, tensor: tf.Tensor) -> frozenset[str]:
        """Return where a tensor comes from; nothing for constants and weights."""
        return self.origins.get(tensor.name, frozenset())

    def form(self, tensor: tf.Tensor) -> ax.Form:
        """Return a tensor's shape and axes."""
        shape = ax.shape_of(tensor)
        known = self.axes.get(tensor.name, ())
        return shape, known if len(known) == len(shape) else (ax.ANY,) * len(shape)

    def on_layer(self, call: Callable[[], Any]) -> Any:
        """Call a layer; what the outermost one returns is a prediction."""
        start = _operations_so_far()
        self.layers_entered += 1
        try:
            outputs = call()
        finally:
            self.layers_entered -= 1
        if not self.layers_entered:
            self.forward.append((start, _operations_so_far()))
            for tensor in keras.tree.flatten(outputs):
                self.mark(tensor, PREDICTION)
        return outputs

    def on_repair(self, a: Any, b: Any, new_a: Any, new_b: Any) -> None:
        """Note a repair that changed something."""
        if isinstance(a, tf.Tensor) and (new_a.shape != a.shape or new_b.shape != b.shape):
            scope = tf.get_current_name_scope() + "/"
            metric = private.metric_being_updated()
            self.repairs.append(Repair(a, b, scope, metric, list(traceback.extract_stack())))


def traced(step: Callable[..., Any], marked: Marked) -> Trace:
    """Trace a step that takes one keyword argument for each role."""
    trace = Trace()
    leaves = [leaf for value in marked.values() for leaf in keras.tree.flatten(value)]
    specs = [_spec(leaf) for leaf in leaves if leaf is not None]
    with private.listening(trace.on_layer, trace.on_repair), _functions_inlined():
        trace.graph = private.graph_of(_marking(step, marked, trace), specs)
    return trace


def frames_of_the_step(stack: Stack) -> list[traceback.FrameSummary]:
    """Return the part of a stack that belongs to the traced step."""
    frames = list(stack)
    own = [i for i, f in enumerate(frames) if f.filename == __file__ and f.name == "marked_step"]
    return [f for f in frames[own[-1] + 1 if own else 0 :] if not f.filename.startswith(OWN_CODE)]


def _marking(step: Callable[..., Any], marked: Marked, trace: Trace) -> Callable[..., tf.Tensor]:
    """Return a step of flat tensors, which says where each comes from before it runs the given one."""
    flat = {role: keras.tree.flatten_with_path(value) for role, value in marked.items()}

    def marked_step(*tensors: tf.Tensor) -> tf.Tensor:
        left, given = iter(tensors), {}
        for role, leaves in flat.items():
            own = [None if value is None else next(left) for _, value in leaves]
            for (path, _), tensor in zip(leaves, own, strict=True):
                trace.mark(tensor, role + "".join(f"[{part!r}]" for part in path))
            given[role] = keras.tree.pack_sequence_as(marked[role], own)
        step(**given)
        return tf.constant(0)

    return marked_step


@contextmanager
def _functions_inlined() -> Iterator[None]:
    """Let functions within functions be part of one graph."""
    eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(eager)


def _spec(value: Any) -> tf.TensorSpec:
    """Return what TensorFlow makes of an array; NumPy's texts are strings of any length to it."""
    kind = getattr(value.dtype, "kind", "")
    return tf.TensorSpec(value.shape, tf.string if kind in TEXT_KINDS else value.dtype)


def _operations_so_far() -> int:
    graph = tf.compat.v1.get_default_graph()
    return len(graph.get_operations()) if hasattr(graph, "get_operations") else 0
