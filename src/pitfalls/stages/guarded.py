"""Guarded: what the guard says of the generators and the models of one framework, in a process that has it alone."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from hydra import compose, initialize_config_dir

from pitfalls import guard
from pitfalls.config.schema import Config, resolved
from pitfalls.config.targets import importable
from pitfalls.lab.frameworks import load
from pitfalls.lab.generators import Batch
from pitfalls.lab.sources import make_configured
from pitfalls.project import ARRAYS, ROOT
from pitfalls.verdicts.guard import Checked, CheckedGenerator, CheckedModel, GuardFinding, GuardReport

BATCHES = 32

GENERATORS_OF = {"tensorflow": (ARRAYS,), "torch": ("samples", "tensors")}
"""By what they yield, the generators that are checked with each framework: samples as PyTorch collates them."""

ADDRESS = re.compile(r"0x[0-9a-f]+")


def checked_with(framework: str, seed: int) -> GuardReport:
    """Return what the guard says of a framework's cells, and of the generators that are checked with it.

    Args:
        framework: tensorflow, jax or torch.
        seed: Of the generators' draws.

    Raises:
        ConfigurationError: The environment asks for another Keras backend, or the framework is not installed.
    """
    load(framework)
    runtimes = {
        name: config for name, config in composed("runtime", seed).items() if config.framework == framework
    }
    generators = composed("generator", seed)
    own = GENERATORS_OF.get(framework, ())
    return GuardReport(
        generators=[
            checked_generator(name, config) for name, config in generators.items() if yields(config) in own
        ],
        models=[
            checked
            for runtime, config in runtimes.items()
            for checked in checked_models(runtime, config, generators, seed)
        ],
    )


def checked_models(
    runtime: str, config: Config, generators: dict[str, Config], seed: int
) -> Iterator[CheckedModel]:
    """Yield what the guard says of each model under a runtime, with each generator that the runtime takes."""
    targets = {
        name: model.model._target_ for name, model in composed("model", seed, f"runtime={runtime}").items()
    }
    look = looks_at_keras if config.model.library == "keras" else looks_at_plain
    say = look(config, targets)
    taken = {name: generator for name, generator in generators.items() if yields(generator) in config.takes}
    for generator, model in product(taken, targets):
        said = reported(lambda g=generator, m=model: say(m, first_batch(taken[g])))  # type: ignore[misc]
        yield CheckedModel(runtime=runtime, generator=generator, model=model, **dict(said))


Look = Callable[[str, Any], guard.Report]
"""Looks at a model, by its name, and the first batch of a generator."""


def looks_at_keras(config: Config, targets: dict[str, str]) -> Look:
    """Return what looks at Keras's models under the loss of a runtime."""
    from pitfalls.lab.keras.losses import LOSSES  # Keras, on the backend that is now loaded
    from pitfalls.lab.keras.models import built_afresh

    built = built_afresh({name: importable("model", target) for name, target in targets.items()})
    return lambda model, batch: guard.check_model(built[model], batch, loss=LOSSES[config.loss.kind]())


def looks_at_plain(config: Config, targets: dict[str, str]) -> Look:
    """Return the same for models and losses that are written in JAX or PyTorch, with the output they declare."""
    losses = importable("loss", f"pitfalls.lab.{config.framework}.losses.{PLAIN_LOSSES[config.loss.kind]}")
    built = {name: importable("model", target)(config.seed) for name, target in targets.items()}

    def loss(prediction: Any, labels: Any) -> Any:
        return losses(labels, prediction)

    loss.__name__ = PLAIN_LOSSES[config.loss.kind]
    return lambda model, batch: guard.check_model(
        built[model], batch, loss, declared=built[model].declared_output
    )


PLAIN_LOSSES = {"broadcasting": "mean_square", "mse_loss": "mse_loss"}
"""The functions of lab/jax/losses.py and lab/torch/losses.py, by the `kind` of conf/loss."""


def yields(config: Config) -> str:
    """Return what a generator yields: arrays, samples or tensors."""
    return str(config.generator.get("yields", ARRAYS))


def source_of(config: Config) -> Any:
    """Return a fresh generator of what is configured; samples in PyTorch's own loader."""
    if yields(config) != "samples":
        return make_configured(config)
    from pitfalls.lab.torch.feeds import collating  # PyTorch, which is loaded where samples are checked

    return collating(make_configured(config), config)


def first_batch(config: Config) -> Batch:
    """Return the first batch of a fresh generator."""
    inputs, labels = next(iter(source_of(config)))
    return inputs, labels


def checked_generator(name: str, config: Config) -> CheckedGenerator:
    """Return what the guard says of a fresh instance of a generator."""
    checked = reported(lambda: guard.check(source_of(config), batches=BATCHES, name=name))
    return CheckedGenerator(generator=name, **dict(checked))


def composed(axis: str, seed: int, *overrides: str) -> dict[str, Config]:
    """Return the configuration of each option of an axis, sorted by name."""
    names = sorted(path.stem for path in (ROOT / "conf" / axis).glob("*.yaml"))
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return {
            name: resolved(compose("config", [*overrides, f"{axis}={name}", f"seed={seed}"]))
            for name in names
        }


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
