"""Check: run the guard on a fresh instance of every generator, and on every model with it.

It runs outside training, because nothing of ours may stand before `fit`, and from the same seed.
The guard gets the batches as they are yielded and the loss of the runtime. What `keras2` does to
flat labels happens later, as does Keras 3's own repair.
"""

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from hydra import compose, initialize_config_dir

from pitfalls import guard
from pitfalls.config.pairs import takes
from pitfalls.config.schema import Config, resolved
from pitfalls.config.targets import importable
from pitfalls.lab.frameworks import load
from pitfalls.lab.generators import Batch
from pitfalls.lab.sources import make_configured
from pitfalls.project import AXES, ROOT
from pitfalls.verdicts.guard import Checked, CheckedGenerator, CheckedModel, GuardFinding, GuardReport

BATCHES = 32

KNOWN = "tensorflow"
"""The framework whose runtimes the guard knows."""

ADDRESS = re.compile(r"0x[0-9a-f]+")


def check_all(seed: int) -> GuardReport:
    """Check every generator, and every model with it under every runtime that the guard knows, that conf/ names.

    The guard traces Keras on TensorFlow; cells of another framework have no entry, and no more have generators of
    samples or of another framework's tensors.

    Args:
        seed: Of the generators' draws.

    Raises:
        ConfigurationError: The environment asks for a Keras backend on which this is not traced.
    """
    load(KNOWN)
    from pitfalls.lab.keras.losses import LOSSES  # Keras, on the backend that is now loaded
    from pitfalls.lab.keras.models import built_afresh

    runtimes, generators, models = (composed(axis, seed) for axis in AXES)
    generators = {name: config for name, config in generators.items() if takes(config)}
    losses = {
        name: LOSSES[config.loss.kind] for name, config in runtimes.items() if config.framework == KNOWN
    }
    built = built_afresh(
        {name: importable("model", config.model._target_) for name, config in models.items()}
    )
    return GuardReport(
        generators=[checked_generator(generator, config) for generator, config in generators.items()],
        models=[
            CheckedModel(
                runtime=runtime,
                generator=generator,
                model=model,
                **dict(
                    checked_model(built[model], make_configured(generators[generator]), losses[runtime]())
                ),
            )
            for runtime, generator, model in product(losses, generators, models)
        ],
    )


def composed(axis: str, seed: int) -> dict[str, Config]:
    """Return the configuration of each option of an axis, sorted by name."""
    names = sorted(path.stem for path in (ROOT / "conf" / axis).glob("*.yaml"))
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return {name: resolved(compose("config", [f"{axis}={name}", f"seed={seed}"])) for name in names}


def checked_generator(name: str, config: Config) -> CheckedGenerator:
    """Return what the guard says of a fresh instance of a generator."""
    checked = reported(lambda: guard.check(make_configured(config), batches=BATCHES, name=name))
    return CheckedGenerator(generator=name, **dict(checked))


def checked_model(model: Any, batches: Iterator[Batch], loss: Any) -> Checked:
    """Return what the guard says of a model, a loss and the first batch of a generator."""
    return reported(lambda: guard.check_model(model, next(batches), loss=loss))


def reported(look: Callable[[], guard.Report]) -> Checked:
    """Return a report's status, rules, findings and gaps; the same each time, on every machine."""
    try:
        report = look()
    except guard.GuardError as error:
        return Checked(status="error", not_checked=[str(error)])
    findings = [
        GuardFinding(**finding.to_dict()).with_changes(message=reproducible(finding.message))
        for finding in report
    ]
    return Checked(
        status="findings" if findings else "clean",
        rules=sorted({finding.rule for finding in findings}),
        findings=findings,
        not_checked=list(report.not_checked),
    )


def reproducible(message: str) -> str:
    """Return a message without what differs from run to run: addresses, and the folder of the project."""
    return ADDRESS.sub("0x...", message.replace(f"{ROOT}/", ""))
