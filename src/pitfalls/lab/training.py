"""Training: one run, from its configuration to what it measured."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
    with warnings_kept() as kept:
        session.train(make_configured(config))
    seconds = time.perf_counter() - begun
    measured = measurements.measured(config, run, session)
    result = measured.with_changes(
        mechanism=measured.mechanism.with_changes(dtype=str(two[0][0].dtype)),
        warnings=kept,
        buffer_address_mod_64=reused_buffer_offsets(two),
        seconds=Seconds(
            total=time.perf_counter() - started,
            training=seconds,
            per_step=seconds / (config.training.epochs * config.training.steps_per_epoch),
        ),
    )
    return Trained(result, session.model, probe(two, config.listing, run.generator, run.seed))


@contextmanager
def warnings_kept() -> Iterator[list[str]]:
    """Keep what a framework warns its user of, each text once, in place of printing it; other warnings go on their way."""
    kept: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        yield kept
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            kept.append(str(warning.message))
        else:
            warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)
    kept[:] = dict.fromkeys(kept)
