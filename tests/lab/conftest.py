"""What the lab's tests share: a prepared environment, and configurations as Hydra composes them."""

from pitfalls.startup import prepare

prepare()  # before anything imports TensorFlow

from collections.abc import Callable, Iterator  # noqa: E402

import pytest  # noqa: E402
from hydra import compose, initialize_config_dir  # noqa: E402
from made_results import made_result  # noqa: E402

from pitfalls.config import schema  # noqa: E402
from pitfalls.config.schema import Config  # noqa: E402
from pitfalls.project import ROOT, Cell  # noqa: E402
from pitfalls.results import Result  # noqa: E402

schema.register()

Compose = Callable[..., Config]


@pytest.fixture
def composed() -> Iterator[Compose]:
    """Give a function that composes conf/ with overrides, as ``python src/train.py`` would."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        yield lambda *overrides, name="config": schema.resolved(compose(name, overrides=list(overrides)))


@pytest.fixture
def result_of() -> Callable[..., Result]:
    """Give a function that makes up the result of a cell, with whatever measurements a test wants."""

    def make(runtime: str, generator: str, model: str, **measured: object) -> Result:
        return made_result(Cell(runtime, generator, model), **measured)

    return make
