"""The probe: two batches of a generator held together, in words. Nothing is trained."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pitfalls.config.schema import ROOT, check
from pitfalls.lab.generators import Batch, address_offset_bytes, make_configured
from pitfalls.results import write_json

SCHEMA = 1

ORDINALS = ("first", "second")


def probe(batches: Iterator[Batch]) -> dict[str, Any]:
    """Pull two batches, hold both, and compare each label with the inputs beside it.

    Args:
        batches: A fresh generator; two batches are taken.

    Returns:
        ``yields`` and ``labels`` as they stand once both are held, ``fits`` (whether each
        batch's labels are all the means of its inputs), ``shares_memory`` (whether the two
        inputs, or the two labels, are one memory) and the inputs' ``addresses_mod_64``.
    """
    held = [next(batches), next(batches)]
    (first_inputs, first_labels), (second_inputs, second_labels) = held
    return {
        "yields": [inputs.tolist() for inputs, _ in held],
        "labels": [labels.tolist() for _, labels in held],
        "fits": [fits(inputs, labels) for inputs, labels in held],
        "shares_memory": bool(
            np.shares_memory(first_inputs, second_inputs) or np.shares_memory(first_labels, second_labels)
        ),
        "addresses_mod_64": [address_offset_bytes(inputs) for inputs, _ in held],
    }


def run(config: DictConfig) -> None:
    """Probe the configured generator, print it in words, and write probe.json.

    Args:
        config: The configuration, as Hydra composed it.

    Raises:
        ConfigurationError: The configuration cannot be, or the folder not be written.
    """
    check(config)
    hydra = HydraConfig.get()
    name = hydra.runtime.choices["generator"]
    probed = probe(make_configured(config))
    path = Path(hydra.runtime.output_dir) / "probe.json"
    told = {"schema": SCHEMA, "listing": config.listing, "generator": name, "seed": config.seed}
    write_json(path, told | probed)
    print(
        f"{'listing ' + str(config.listing) + ': ' if config.listing else ''}{name}, two yields held together"
    )
    print(in_words(probed))
    print(path.relative_to(ROOT))


def fits(inputs_b2: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether every label is the mean of its inputs."""
    return bool(np.array_equal(inputs_b2.mean(axis=1), labels.reshape(len(labels))))


def in_words(probed: dict[str, Any]) -> str:
    """Say what the two yields hold and which labels fit which inputs."""
    lines = [
        f"{ordinal:<6}  inputs {short(inputs)}   labels {short(labels)}   {'fit' if good else 'do not fit'}"
        for ordinal, inputs, labels, good in zip(
            ORDINALS, probed["yields"], probed["labels"], probed["fits"], strict=True
        )
    ]
    return "\n".join([*lines, conclusion(probed)])


def conclusion(probed: dict[str, Any]) -> str:
    """Say in one sentence what a queue of references would have handed on."""
    if all(probed["fits"]) and not probed["shares_memory"]:
        return "Both labels fit their inputs, and no memory is shared: a queue may hold these batches."
    if all(probed["fits"]):
        return (
            "Both labels fit their inputs, but the two batches are one memory: the first now holds the second, "
            "and a reader that meets the writer half-way tears it."
        )
    bad = [ordinal for ordinal, good in zip(ORDINALS, probed["fits"], strict=True) if not good]
    return (
        f"The {' and '.join(bad)} label does not fit its inputs: the buffer was refilled while the batch was held. "
        "A queue of references hands on such batches only."
    )


def short(rows: list[Any]) -> str:
    """Print up to two rows of an array."""
    shown = np.array2string(np.array(rows[:2]), separator=", ").replace("\n", "")
    return shown if len(rows) <= 2 else f"{shown[:-1]}, ... {len(rows)} rows]"
