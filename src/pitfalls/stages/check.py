"""Checking: the guard on a fresh instance of every generator, and of every model with it.

Outside training, as nothing of ours may stand before `fit`, and from the same seed.
The guard is given batches as they are yielded and the loss of the runtime; that
`keras2` expands flat labels comes after it, as Keras 3's own repair does.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
from hydra import compose, initialize_config_dir
from hydra.utils import get_method
from omegaconf import DictConfig

from pitfalls import guard
from pitfalls.config.schema import ROOT
from pitfalls.lab.generators import Batch, make_configured
from pitfalls.lab.tensorflow import losses

SCHEMA = 1
BATCHES = 32

ADDRESS = re.compile(r"0x[0-9a-f]+")


def check_all(seed: int) -> dict[str, Any]:
    """Check every generator, and every model with it under every runtime, that conf/ names.

    Args:
        seed: Of the generators' draws.

    Returns:
        The content of reports/guard.json: for each generator, and for each runtime,
        generator and model, the status, the rules that fired, the findings and what could
        not be checked.
    """
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        runtimes, generators, models = (
            {option: compose("config", [f"{axis}={option}", f"seed={seed}"]) for option in options_of(axis)}
            for axis in ("runtime", "generator", "model")
        )
    keras.backend.clear_session(free_memory=False)  # layers are named from nought on, so reports repeat
    built = {model: get_method(config.model._target_)() for model, config in models.items()}
    return {
        "schema": SCHEMA,
        "generators": [
            {"generator": generator, **checked_generator(generator, config)}
            for generator, config in generators.items()
        ],
        "models": [
            {"runtime": runtime, "generator": generator, "model": model}
            | checked_model(built[model], make_configured(generators[generator]), config.loss.kind)
            for runtime, config in runtimes.items()
            for generator in generators
            for model in models
        ],
    }


def options_of(group: str) -> Iterator[str]:
    """Yield the options of a group of conf/, sorted."""
    yield from sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))


def checked_generator(name: str, config: DictConfig) -> dict[str, Any]:
    """Return what the guard says of a fresh instance of a generator."""
    return reported(lambda: guard.check(make_configured(config), batches=BATCHES, name=name))


def checked_model(model: keras.Model, batches: Iterator[Batch], loss: str) -> dict[str, Any]:
    """Return what the guard says of a model, a loss and the first batch of a generator."""
    return reported(lambda: guard.check_model(model, next(batches), loss=getattr(losses, loss)()))


def reported(look: Callable[[], guard.Report]) -> dict[str, Any]:
    """Return a report's status, rules, findings and gaps; the same each time, on every machine."""
    try:
        told = look().to_dict()
    except guard.GuardError as error:
        return {"status": "error", "rules": [], "findings": [], "not_checked": [str(error)]}
    findings = [finding | {"message": reproducible(finding["message"])} for finding in told["findings"]]
    return {
        "status": told["status"],
        "rules": sorted({finding["rule"] for finding in findings}),
        "findings": findings,
        "not_checked": told["not_checked"],
    }


def reproducible(message: str) -> str:
    """Return a message without what differs from run to run: addresses, and where the project stands."""
    return ADDRESS.sub("0x...", message.replace(f"{Path(ROOT)}/", ""))
