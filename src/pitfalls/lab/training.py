"""Training: one run, from its configuration to what it measured."""

import time
from dataclasses import dataclass

from pitfalls.config.schema import Config
from pitfalls.lab import measurements
from pitfalls.lab.frameworks import Model, load
from pitfalls.lab.probe import hold, probe, reused_buffer_offsets
from pitfalls.lab.sources import make_configured
from pitfalls.project import EpochHook, SeededCell
from pitfalls.results import Probe, Result, Seconds


@dataclass(frozen=True)
class Trained:
    """A finished training: what it measured, its model, and two yields of its generator held together."""

    result: Result
    model: Model
    probe: Probe


def train(config: Config, run: SeededCell, on_epoch_end: EpochHook = lambda epoch, loss: None) -> Trained:
    """Train one run and measure it.

    Args:
        config: A checked configuration, with its fingerprint.
        run: Its place in the matrix.
        on_epoch_end: Told the loss of each epoch, for a progress bar.

    Raises:
        DivergedError: The loss is no number any more.
    """
    open_session = load(config.framework)  # an import is once a process, and no part of a run's time
    started = time.perf_counter()
    two = hold(make_configured(config))
    session = open_session(config, on_epoch_end)
    begun = time.perf_counter()
    session.train(make_configured(config))
    seconds = time.perf_counter() - begun
    measured = measurements.measured(config, run, session)
    result = measured.with_changes(
        mechanism=measured.mechanism.with_changes(dtype=str(two[0][0].dtype)),
        buffer_address_mod_64=reused_buffer_offsets(two),
        seconds=Seconds(
            total=time.perf_counter() - started,
            training=seconds,
            per_step=seconds / (config.training.epochs * config.training.steps_per_epoch),
        ),
    )
    return Trained(result, session.model, probe(two, config.listing, run.generator, run.seed))
