"""Trainings in JAX and in PyTorch, for tests: in a process of their own, as a process trains one framework."""

import importlib.util
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from typing import Any

import pytest

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed: make setup-torch"
)


def configured(runtime: str, generator: str, model: str, *overrides: str) -> Any:
    """Return the checked configuration of a cell with overrides, as ``python src/train.py`` composes it."""
    from pitfalls.startup import prepare

    prepare()
    from hydra import compose, initialize_config_dir

    from pitfalls.config import schema
    from pitfalls.config.refusals import check
    from pitfalls.project import ROOT

    schema.register()
    words = [f"runtime={runtime}", f"generator={generator}", f"model={model}", *overrides]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = schema.resolved(compose("config", overrides=words))
    check(config)
    return config


def train_cell(runtime: str, generator: str, model: str, *overrides: str) -> Any:
    """Train a cell with overrides and return its result."""
    config = configured(runtime, generator, model, *overrides)
    from pitfalls.lab.training import train
    from pitfalls.project import SeededCell

    return train(config, SeededCell(runtime, generator, model, config.seed)).result


@lru_cache
def process(framework: str) -> ProcessPoolExecutor:
    """Return the process in which a framework trains, one for all tests of this process."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def in_jax(function: Any, *arguments: Any) -> Any:
    """Call a function of a module in the process in which JAX trains, and return what it returns."""
    return process("jax").submit(function, *arguments).result()


def in_torch(function: Any, *arguments: Any) -> Any:
    """Call a function of a module in the process in which PyTorch trains, and return what it returns."""
    return process("torch").submit(function, *arguments).result()
