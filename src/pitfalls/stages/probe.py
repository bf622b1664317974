"""Probe: hold two batches of a generator together, write down what they contain, and say it in words. Trains nothing."""

from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pitfalls.config import refusals
from pitfalls.config.schema import resolved
from pitfalls.lab.probe import hold, probe, with_allocations, with_queue
from pitfalls.lab.sources import make_configured
from pitfalls.project import ROOT
from pitfalls.results import Probe

ORDINALS = ("first", "second")


def run(composed: DictConfig) -> None:
    """Probe the configured generator, print it in words, and write probe.json.

    Args:
        composed: The configuration, as Hydra composed it.

    Raises:
        ConfigurationError: The configuration is impossible, or the folder cannot be written to.
    """
    config, hydra = resolved(composed), HydraConfig.get()
    refusals.check(config)
    generator = hydra.runtime.choices["generator"]
    probed = probe(hold(make_configured(config)), config.listing, generator, config.seed)
    probed = with_allocations(with_queue(probed, make_configured(config)), config.task.batch_size)
    path = Path(hydra.runtime.output_dir) / "probe.json"
    probed.write(path)
    listing = f"listing {config.listing}: " if config.listing else ""
    print(f"{listing}{generator}, two yields held together")
    print(in_words(probed))
    print(path.relative_to(ROOT))


def in_words(probe: Probe) -> str:
    """Say what the two yields hold and which labels fit which inputs."""
    lines = [
        f"{ordinal:<6}  inputs {short(inputs)}   labels {short(labels)}   {'fit' if good else 'do not fit'}"
        for ordinal, inputs, labels, good in zip(
            ORDINALS, probe.yields, probe.labels, probe.fits, strict=True
        )
    ]
    return "\n".join([*lines, conclusion(probe)])


def conclusion(probe: Probe) -> str:
    """Say what a queue of references would have delivered."""
    if all(probe.fits) and not probe.shares_memory:
        return "Both labels fit their inputs, and no memory is shared: a queue can hold these batches safely."
    if all(probe.fits):
        return (
            "Both labels fit their inputs, but the two batches share their memory: the first now holds the values of "
            "the second. A reader that meets the writer half-way gets rows of both."
        )
    bad = [ordinal for ordinal, good in zip(ORDINALS, probe.fits, strict=True) if not good]
    return (
        f"The {' and '.join(bad)} label does not fit its inputs: the buffer was refilled while the batch was held. "
        "A queue of references delivers only such batches."
    )


def short(rows: list[Any]) -> str:
    """Print up to two rows of an array."""
    shown = np.array2string(np.array(rows[:2]), separator=", ").replace("\n", "")
    return shown if len(rows) <= 2 else f"{shown[:-1]}, ... {len(rows)} rows]"
