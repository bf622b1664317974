"""Private: what Keras and TensorFlow do not promise to keep, one function each.

No other file of the guard names such a thing. Where a release has moved one, its
function takes another way, or raises an error that says which release it knows: a
name that is gone must never look like a loss in which nothing is wrong.

What has to be replaced in Keras while the guard looks is replaced for the whole
process, so it is done behind a lock, and undone whatever happens.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import keras

from pitfalls.guard.findings import GuardError

if TYPE_CHECKING:
    import tensorflow as tf

PROPER = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
KNOWN = "Keras 3.15 on TensorFlow 2.21"
RANK_REPAIR = "squeeze_or_expand_to_same_rank"
KERAS_SCOPES = ("compile_loss", "while", "cond")
PATCHING = threading.RLock()


class UnknownVersionError(GuardError):
    """Keras or TensorFlow no longer has a name that the guard needs."""

    def __init__(self, name: str) -> None:
        """Say what is missing, and with which versions it was there."""
        super().__init__(f"{versions()}: {name} is not there.")


def versions() -> str:
    """Say which versions the guard knows, and which these are."""
    name = keras.config.backend()
    library = sys.modules.get(name)
    on = f"{PROPER.get(name, name)} {getattr(library, '__version__', 'of some version')}"
    return f"pitfalls knows {KNOWN}; this is Keras {keras.__version__} on {on}"


def graph_of(step: Callable[..., Any], specs: list[tf.TensorSpec]) -> tf.Graph:
    """Return the graph of a step as it is written; otherwise as ``tf.function`` traces it, twice if it must."""
    try:
        from tensorflow.python.framework.func_graph import func_graph_from_py_func
    except ImportError:
        import tensorflow as tf

        return tf.function(step, autograph=False).get_concrete_function(*specs).graph
    return func_graph_from_py_func("pitfalls", step, specs, {})


def wrapped_loss(function: Callable[..., Any]) -> keras.losses.Loss:
    """Return a function as ``compile`` wraps it, with Keras's repair of ranks in front."""
    wrapper = keras.losses.MeanSquaredError.__base__
    if wrapper in (None, object, keras.losses.Loss):
        raise UnknownVersionError("the class that wraps a loss function")
    return wrapper(function, name=getattr(function, "__name__", "loss"))


def compiled_loss(loss: Any, names: list[str] | None) -> Callable[..., Any]:
    """Return what ``compile(loss=...)`` makes of a loss."""
    try:
        from keras.src.trainers.compile_utils import CompileLoss
    except ImportError as error:
        raise UnknownVersionError("CompileLoss") from error
    return CompileLoss(loss, output_names=names)


def compiled_metrics(metrics: Any, names: list[str] | None) -> Callable[..., Any]:
    """Return what updates the metrics that ``compile(metrics=...)`` makes."""
    try:
        from keras.src.trainers.compile_utils import CompileMetrics
    except ImportError as error:
        raise UnknownVersionError("CompileMetrics") from error
    return CompileMetrics(metrics, None, output_names=names).update_state


def is_metric_file(file: str) -> bool:
    """Tell whether a file is one of Keras's metrics, by the folder that their class is in."""
    return file.startswith(_folder_of(keras.metrics.Metric))


def is_loss_file(file: str) -> bool:
    """Tell whether a file is one of Keras's losses, by the folder that their class is in."""
    return file.startswith(_folder_of(keras.losses.Loss))


def _folder_of(kind: type) -> str:
    return os.path.dirname(inspect.getfile(kind)) + os.sep


def loss_scopes(operation_name: str) -> list[str]:
    """Return the scopes of an operation that name a loss, without those of Keras and TensorFlow."""
    return [scope for scope in operation_name.split("/")[:-1] if scope and scope not in KERAS_SCOPES]


def metric_being_updated() -> str | None:
    """Return the name of the metric that the code now running updates, if it updates one."""
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if frame.f_code.co_name == "update_state" and isinstance(owner, keras.metrics.Metric):
            return str(owner.name)
        frame = frame.f_back
    return None


def is_gradient(operation: tf.Operation) -> bool:
    """Tell whether an operation belongs to the backward pass."""
    return bool(operation.name.startswith("gradient_tape"))


def before_first_step(model: keras.Model, look: Callable[..., None]) -> None:
    """Let somebody look at the first batch that ``fit`` is really given, and at that one only.

    Keras hands its step an iterator, on JAX behind the state of the model; on PyTorch the batches of one step.
    """
    step = getattr(model, "train_function", None)
    if step is None:
        raise UnknownVersionError("Model.train_function")

    def first_step(*arguments: Any) -> Any:
        model.train_function = step
        *state, batches = arguments
        if not hasattr(batches, "__next__"):
            look(batches[0], *state)
            return step(*state, batches)
        batch = next(batches)
        look(batch, *state)
        return step(*state, itertools.chain([batch], batches))

    model.train_function = first_step


def first_replica(model: keras.Model, value: Any) -> Any:
    """Return what the first replica of a distributed model is given; without a strategy, the value."""
    strategy = getattr(model, "distribute_strategy", None)
    return value if strategy is None else strategy.experimental_local_results(value)[0]


def hears_repairs() -> bool:
    """Tell whether Keras's repair of ranks has the name that the guard listens to."""
    return bool(_with_repair())


@contextmanager
def listening(
    on_layer: Callable[[Callable[[], Any]], Any], on_repair: Callable[[Any, Any, Any, Any], None]
) -> Iterator[None]:
    """Hear what this thread's layers and Keras's repairs return; other threads' calls pass unheard.

    Args:
        on_layer: Is given each call of a layer, makes it, and returns what it returns.
        on_repair: Is told two tensors before and after a repair.
    """
    thread = threading.get_ident()
    with PATCHING, ExitStack() as patches:
        patches.enter_context(
            _replaced(
                keras.layers.Layer, "__call__", lambda original: _heard_layer(original, on_layer, thread)
            )
        )
        for module in _with_repair():
            patches.enter_context(
                _replaced(module, RANK_REPAIR, lambda original: _heard_repair(original, on_repair, thread))
            )
        yield


@contextmanager
def hearing_losses(heard: Callable[[Any, bool, Any, Any], None]) -> Iterator[None]:
    """Hear each loss and each metric that is a function, with the labels and predictions that it is given.

    Args:
        heard: Is told what is called, whether it is a metric, the labels and the predictions.
    """

    def hears(is_metric: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def replacement(original: Callable[..., Any]) -> Callable[..., Any]:
            def called(self: Any, y_true: Any, y_pred: Any, *rest: Any, **more: Any) -> Any:
                heard(self, is_metric, y_true, y_pred)
                return original(self, y_true, y_pred, *rest, **more)

            return called

        return replacement

    metric = getattr(keras.metrics, "MeanMetricWrapper", None)
    if metric is None:
        raise UnknownVersionError("MeanMetricWrapper")
    with PATCHING, ExitStack() as patches:
        patches.enter_context(_replaced(keras.losses.Loss, "__call__", hears(False)))
        patches.enter_context(_replaced(metric, "update_state", hears(True)))
        yield


def function_of(metric: Any) -> Callable[..., Any]:
    """Return the function that a metric takes the mean of."""
    function = getattr(metric, "_fn", None)
    if function is None:
        raise UnknownVersionError("the function of a metric")
    return functools.partial(function, **getattr(metric, "_fn_kwargs", {}))


def metrics_of(model: keras.Model) -> Any:
    """Return the metrics that ``compile`` was given."""
    return getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)


@contextmanager
def _replaced(owner: Any, name: str, replacement: Callable[[Any], Any]) -> Iterator[None]:
    """Put what is made of an attribute in its place, and the attribute back."""
    original = getattr(owner, name)
    setattr(owner, name, replacement(original))
    try:
        yield
    finally:
        setattr(owner, name, original)


def _heard_layer(
    original: Callable[..., Any], on_layer: Callable[..., Any], thread: int
) -> Callable[..., Any]:
    def called(self: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return original(self, *args, **kwargs)
        return on_layer(lambda: original(self, *args, **kwargs))

    return called


def _heard_repair(
    original: Callable[..., Any], on_repair: Callable[..., None], thread: int
) -> Callable[..., Any]:
    def repaired(a: Any, b: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        new_a, new_b = original(a, b, *args, **kwargs)
        if threading.get_ident() == thread:
            on_repair(a, b, new_a, new_b)
        return new_a, new_b

    return repaired


def _with_repair() -> list[Any]:
    """Return the modules of Keras that hold its repair of ranks by its name."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("keras.")]
    return [module for module in modules if RANK_REPAIR in getattr(module, "__dict__", ())]
