"""What the lab's tests share: a prepared environment, and configurations as Hydra composes them."""

from pitfalls.startup import prepare

prepare()  # before anything imports TensorFlow

from collections.abc import Callable, Iterator  # noqa: E402

import pytest  # noqa: E402
from hydra import compose, initialize_config_dir  # noqa: E402
from omegaconf import DictConfig  # noqa: E402

from pitfalls.config import schema as config  # noqa: E402
from pitfalls.stages import sweep as sweeping  # noqa: E402

config.register()
sweeping.register()

Compose = Callable[..., DictConfig]


@pytest.fixture
def composed() -> Iterator[Compose]:
    """Give a function that composes conf/ with overrides, as ``python src/train.py`` would."""
    with initialize_config_dir(str(config.ROOT / "conf"), version_base="1.3"):
        yield lambda *overrides, name="config": compose(name, overrides=list(overrides))


MODELS = {
    "dense": {"trainable_parameters": 3, "prediction": lambda b: [b, 1]},
    "mean_lambda": {"trainable_parameters": 0, "prediction": lambda b: [b, 1]},
    "flat_mean_lambda": {"trainable_parameters": 0, "prediction": lambda b: [b]},
}
GENERATORS = {  # offsets of the reused buffers from a 64-byte boundary, and whether labels are flat
    "reused_inputs": (16, None, False),
    "reused_inputs_aligned": (0, None, False),
    "reused_pair": (16, 16, False),
    "fresh_arrays": (None, None, False),
    "copied_inputs": (None, None, False),
    "flat_labels": (None, None, True),
}
RUNTIMES = {  # feed, whether a thread fills it, labels, loss
    "keras2": ("full_queue", False, "expanded", "unaligned"),
    "keras3": ("fit", False, "as_they_come", "aligned"),
    "keras3_workers": ("workers", False, "as_they_come", "aligned"),
    "custom_loop": ("thread_queue", True, "as_they_come", "unaligned"),
}


@pytest.fixture
def result_of() -> Callable[..., dict]:
    """Give a function that makes up the result.json of a cell, with whatever measurements a test wants."""

    def make(
        runtime: str, generator: str, model: str, *, high: int = 100, batch_size: int = 64, **measured
    ) -> dict:
        feed, threaded, labels, loss = RUNTIMES[runtime]
        inputs_offset, labels_offset, is_flat = GENERATORS[generator]
        label_shape = [batch_size] if is_flat else [batch_size, 1]
        steps = 3000 if model == "dense" else 600
        result = {
            "schema": 1,
            "cell": {"runtime": runtime, "generator": generator, "model": model, "seed": 0},
            "listing": None,
            "task": {"high": high, "batch_size": batch_size},
            "mechanism": {
                "feed": feed,
                "threaded": threaded,
                "labels": labels,
                "loss": loss,
                "trainable_parameters": MODELS[model]["trainable_parameters"],
            },
            "training": {
                "optimizer": "rmsprop",
                "learning_rate": [[0, 0.1], [1500, 0.01], [1800, 0.001]],
                "epochs": steps // 100,
                "steps_per_epoch": 100,
                "steps_per_execution": 1,
            },
            "loss": [0.0] * (steps // 100),
            "answers": {"inputs": [[0.0, 99.0]], "values": [49.5]},
            "final_loss": 0.0,
            "standard_error": 0.0,
            "window_steps": steps // 2 if steps == 600 else 1000,
            "broken_batches": 0.0,
            "broken_rows": 0.0,
            "repeated_batches": 0.0,
            "rewritten_batches": None if feed in ("fit", "workers") else 0.0,
            "shapes": {
                "inputs": [batch_size, 2],
                "labels": label_shape,
                "declared_output": [None, 1],
                "prediction": MODELS[model]["prediction"](batch_size),
                "loss_difference_before_repair": [batch_size, 1],
                "loss_difference": [batch_size, 1],
            },
            "prediction": None,
            "seconds": {"total": 2.0, "training": 1.0, "per_step": 0.001},
            "versions": {},
            "buffer_address_mod_64": {"inputs": inputs_offset, "labels": labels_offset},
            "fingerprint": "0123456789abcdef",
            "mlflow_run_id": None,
        }
        unknown = set(measured) - set(result) - {"loss_difference", "broken_rows_over_time"}
        assert not unknown, unknown
        if "loss_difference" in measured:
            result["shapes"]["loss_difference"] = measured.pop("loss_difference")
        result |= measured
        return {"broken_rows_over_time": [result["broken_rows"]] * 30, **result}

    return make
