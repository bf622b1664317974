"""The one maker of results: what a run of a cell could have measured. Nothing is trained."""

from itertools import product
from typing import Any

from pitfalls.project import PAIR, PAIR_MEAN, Cell, SeededCell
from pitfalls.results import Result

PREDICTIONS = {"dense": (3, True), "mean_lambda": (0, True), "flat_mean_lambda": (0, False)}
"""For each model its trainable parameters, and whether its prediction has a last axis."""

BUFFERS = {
    "reused_inputs": (16, None),
    "reused_inputs_aligned": (0, None),
    "reused_pair": (16, 16),
    "fresh_arrays": (None, None),
    "copied_inputs": (None, None),
    "flat_labels": (None, None),
    "refilled_sample": (48, None),
    "fresh_samples": (None, None),
    "refilled_tensor": (0, None),
    "fresh_tensors": (None, None),
}
"""For each generator where its reused inputs and labels stand, in bytes past a 64-byte boundary."""

YIELDS = {
    "refilled_sample": "samples",
    "fresh_samples": "samples",
    "refilled_tensor": "tensors",
    "fresh_tensors": "tensors",
}
"""What a generator yields that yields no arrays."""

FEEDS: dict[str, tuple[str, bool, str, str]] = {
    "keras2": ("full_queue", False, "expanded", "broadcasting"),
    "keras3": ("fit", False, "as_they_come", "repairing"),
    "keras3_workers": ("workers", False, "as_they_come", "repairing"),
    "custom_loop": ("thread_queue", True, "as_they_come", "broadcasting"),
    "jax_loop": ("dispatch", False, "as_they_come", "broadcasting"),
    "jax_prefetch": ("prefetch", False, "as_they_come", "broadcasting"),
    "keras3_jax": ("fit", False, "as_they_come", "repairing"),
    "torch_loader": ("loader", False, "as_they_come", "mse_loss"),
    "torch_workers": ("loader_workers", False, "as_they_come", "mse_loss"),
    "torch_collate": ("collate", False, "as_they_come", "mse_loss"),
    "torch_loop": ("thread_queue", True, "as_they_come", "broadcasting"),
    "keras3_torch": ("fit", False, "as_they_come", "repairing"),
}
"""For each runtime its feed, whether a thread fills it, what becomes of labels, and its loss."""

LOADS = {"jax_loop": 200, "jax_prefetch": 200, "keras3_jax": 300}
"""The load of the runtimes in JAX."""

VERSIONS = {
    "tensorflow": {"tensorflow-cpu": "2.21.0", "keras": "3.15.1"},
    "jax": {"jax": "0.10.2", "jaxlib": "0.10.2", "keras": "3.15.1"},
    "torch": {"torch": "2.13.0", "keras": "3.15.1"},
}


def framework_of(runtime: str) -> str:
    """Return the framework of a runtime, which its name says, or TensorFlow."""
    return next((name for name in ("jax", "torch") if name in runtime), "tensorflow")


def made_result(cell: Cell, *, high: int = 100, batch_size: int = 64, **measured: Any) -> Result:
    """Return a result whose measurements are sound, but for those that a test names.

    Args:
        cell: A cell, or a cell at a seed; seed 0 is taken otherwise.
        high: Exclusive upper end of the draw.
        batch_size: Rows of a batch.
        measured: Fields of the result; `loss_difference` stands for that of its shapes.
    """
    run = cell if isinstance(cell, SeededCell) else cell.at(0)
    content = content_of(run, high, batch_size)
    if "loss_difference" in measured:
        content["shapes"] |= {"loss_difference": measured.pop("loss_difference")}
    assert not (unknown := set(measured) - set(content)), unknown
    content |= measured
    if "broken_rows_over_time" not in measured:
        content["broken_rows_over_time"] = [content["broken_rows"]] * 30
    return Result.model_validate(content)


def content_of(run: SeededCell, high: int, batch_size: int) -> dict[str, Any]:
    """Return the fields of a sound result."""
    parameters, has_axis = PREDICTIONS[run.model]
    feed, threaded, labels, loss = FEEDS[run.runtime]
    inputs_offset, labels_offset = BUFFERS[run.generator]
    column, flat = [batch_size, 1], [batch_size]
    epochs = 30 if parameters else 6
    framework = framework_of(run.runtime)
    is_float64 = framework == "tensorflow" or run.runtime == "torch_loop"
    return {
        "cell": {**run.options, "seed": run.seed},
        "listing": None,
        "task": {"high": high, "batch_size": batch_size},
        "framework": framework,
        "load": LOADS.get(run.runtime),
        "mechanism": {
            "feed": feed,
            "yields": YIELDS.get(run.generator, "arrays"),
            "threaded": threaded,
            "labels": labels,
            "dtype": "float64" if is_float64 else "float32",
            "loss": loss,
            "trainable_parameters": parameters,
        },
        "training": {
            "optimizer": "torch_rmsprop" if run.runtime.startswith("torch") else "rmsprop",
            "learning_rate": [[0, 0.1], [1500, 0.01], [1800, 0.001]],
            "epochs": epochs,
            "steps_per_epoch": 100,
            "steps_per_execution": 1,
        },
        "loss": [0.0] * epochs,
        "final_loss": 0.0,
        "standard_error": 0.0,
        "window_steps": 1000 if parameters else 300,
        "broken_batches": 0.0,
        "broken_rows": 0.0,
        "broken_rows_over_time": [0.0] * 30,
        "repeated_batches": 0.0,
        "rewritten_batches": 0.0 if feed in ("full_queue", "thread_queue") else None,
        "shapes": {
            "inputs": [batch_size, 2],
            "labels": flat if run.generator == "flat_labels" else column,
            "declared_output": [None, 1],
            "prediction": column if has_axis else flat,
            "loss_difference_before_repair": column,
            "loss_difference": column,
        },
        "prediction": None,
        "answers": made_answers(),
        "versions": {"python": "3.11.7", "numpy": "2.4.6", **VERSIONS[framework]},
        "buffer_address_mod_64": {"inputs": inputs_offset, "labels": labels_offset},
        "seconds": {"total": 2.0, "training": 1.0, "per_step": 0.001},
        "warnings": [],
        "origin": {"processor": "A Processor", "cores": 2, "system": "Linux", "commit": "0123abc"},
        "fingerprint": "0123456789abcdef",
        "mlflow_run_id": None,
    }


def made_answers(constant: float | None = None) -> dict[str, Any]:
    """Return answers to a grid of 36 pairs: the truth, or one constant for everything."""
    points = [19.8 * step for step in range(6)]
    inputs = [[first, second] for second, first in product(points, points)]
    values = [(first + second) / 2 if constant is None else constant for first, second in inputs]
    return {"inputs": inputs, "values": values}


def made_prediction(value: float = PAIR_MEAN) -> dict[str, Any]:
    """Return what a model answers to the article's pair."""
    return {"inputs": list(PAIR), "label": PAIR_MEAN, "value": value}


def fed_with(own: Result, measured: Result) -> Result:
    """Return a result with what another measured, under its own mechanism: a claim must refuse it."""
    return own.with_changes(
        final_loss=measured.final_loss,
        standard_error=measured.standard_error,
        broken_rows=measured.broken_rows,
        rewritten_batches=measured.rewritten_batches,
        shapes=own.shapes.with_changes(loss_difference=measured.shapes.loss_difference),
    )


SHORT = (
    "training=article",  # a mapping replaces its number; the quick schedule would be merged into
    "training.steps_per_epoch=100",
    "training.epochs=6",
    "training.window_steps=300",
    "training.learning_rate={0: 0.1, 300: 0.02}",
)
"""A short schedule for a Dense: it leaves much of RMSprop's excess."""
