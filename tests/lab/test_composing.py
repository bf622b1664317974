"""Composing: what runs share is composed once, and each run gets what Hydra alone would have given it."""

import pickle

import pytest
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from pitfalls.config import composing
from pitfalls.config.composing import Compositions, SharedComposition
from pitfalls.config.schema import resolved
from pitfalls.project import AXES, ROOT

SWEEP = ["sweep=mine", "hydra/launcher=joblib", "training.epochs=3"]
RUN = [
    "runtime=keras2",
    "generator=reused_inputs",
    "seed=2",
    "training=article",
    "training.learning_rate=0.02",
    "task.high=10",
    "training.epochs=7",
    "load=5",
    "task.high=11",
    "hydra.sweep.subdir='a/seed-2'",
    "tracking.launch=x",
    "tracking.parent_run_id=y",
]


@pytest.fixture
def loaders():
    """Give Hydra's loader, ours, and the configuration of a sweep."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        theirs = GlobalHydra.instance().config_loader()
        master = theirs.load_configuration("config", SWEEP, RunMode.MULTIRUN)
        yield theirs, SharedComposition(theirs.get_search_path()), master


def as_read(composed):
    """Return what jobs read of a configuration; the order of the overrides is not part of it."""
    told = OmegaConf.to_container(composed)
    told["hydra"]["overrides"] = {key: sorted(value) for key, value in told["hydra"]["overrides"].items()}
    del told["hydra"]["job"]["override_dirname"]  # Hydra's name for a folder; ours are named by their cell
    return told


@pytest.mark.parametrize("dropped", range(len(RUN) + 1))
def test_a_run_is_given_what_hydra_alone_would_give_it(loaders, dropped):
    """Whichever of its values are told."""
    theirs, ours, master = loaders
    told = [override for at, override in enumerate(RUN) if at != dropped]
    ours.load_sweep_config(master, [*told, "seed=5"])  # another run came first
    assert as_read(ours.load_sweep_config(master, told)) == as_read(theirs.load_sweep_config(master, told))


def test_what_runs_share_is_composed_once_also_for_the_processes_that_train(loaders, monkeypatch):
    """The loader is sent to them with what it has composed."""
    _, ours, master = loaders
    ours.load_sweep_config(master, RUN)
    sent = pickle.loads(pickle.dumps(ours))
    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", None)
    for loader in (ours, sent):
        assert loader.load_sweep_config(master, [*RUN[:2], "training=article", "seed=7"]).seed == 7
        with pytest.raises(TypeError):
            loader.load_sweep_config(master, [*RUN, "model=mean_lambda"])


def test_a_run_s_values_do_not_reach_the_next(loaders):
    """Each run has a copy."""
    _, ours, master = loaders
    first = ours.load_sweep_config(master, RUN)
    first.task.high = 7
    second = ours.load_sweep_config(master, RUN[:2])
    assert (second.task.high, second.seed, second.tracking.launch) == (100, 0, "")


def test_a_value_that_does_not_fit_is_refused_by_hydra(loaders):
    """In the words that it has for every other key."""
    _, ours, master = loaders
    with pytest.raises(HydraException, match="seed=x"):
        ours.load_sweep_config(master, ["seed=x"])


def test_only_so_many_compositions_are_sent_along(loaders, monkeypatch):
    """The others are composed where they are needed."""
    _, ours, master = loaders
    monkeypatch.setattr(composing, "MOST_KEPT", 1)
    sizes = []
    for model in ("dense", "mean_lambda"):
        assert ours.load_sweep_config(master, [f"model={model}"]).model._target_.endswith(model)
        sizes.append(len(pickle.dumps(ours)))
    assert sizes[0] == sizes[1]


@pytest.fixture
def counted(loaders):
    """Give the compositions of a sweep, and a list of what Hydra was asked to compose."""
    theirs, _, master = loaders
    asked = []

    def compose(overrides):
        asked.append(overrides)
        return theirs.load_sweep_config(master, overrides)

    return Compositions(compose), asked


SWEPT = {
    "a seed": [["model=dense", f"seed={seed}"] for seed in range(6)],
    "two numbers": [[f"task.high={high}", f"seed={seed}"] for high in (5, 6, 7) for seed in (0, 1, 2)],
    "a number in a generator's file": [
        ["generator=reused_inputs", f"generator.inputs_offset_bytes={offset}"] for offset in (0, 8, 16, 24)
    ],
    "a seed that decides a size": [["task.high=${seed}", f"seed={seed}"] for seed in range(6)],
    "a seed that decides another number in one place": [
        [f"seed={seed}", f"training.epochs={epochs}", "task.high=${training.epochs}"]
        for epochs in (3, 4, 5) for seed in (0, 1, 2)
    ],
    "a text": [[f"model.weights={weights}", f"seed={seed}"] for weights in ("trainable", "fixed") for seed in (0, 1, 2)],
    "a number, a text and nothing": [["load=2"], ["load=3"], ["load=4"], ["load=null"], ["load=5"], []],
    "a number where another kind stands": [[f"training.learning_rate={rate}"] for rate in (1, 2, 3, 0.5)],
}  # fmt: skip


@pytest.mark.parametrize("swept", SWEPT.values(), ids=SWEPT)
def test_a_sweep_s_runs_are_told_what_hydra_alone_would_tell_them(loaders, counted, swept):
    """Whatever is swept, and whatever follows from it by an interpolation."""
    theirs, _, master = loaders
    compositions, _ = counted
    for overrides in swept:
        alone = theirs.load_sweep_config(master, overrides)
        told = compositions.of(overrides)
        assert told.config == resolved(alone)
        assert told.choices == {axis: alone.hydra.runtime.choices[axis] for axis in AXES}


def test_of_runs_that_differ_in_numbers_few_are_composed(counted):
    """Two for the first number, one more for each other; as many as there are where everything follows from one."""
    compositions, asked = counted
    for overrides in SWEPT["two numbers"]:
        compositions.of(overrides)
    assert len(asked) == 3
    for overrides in SWEPT["a seed that decides a size"]:
        compositions.of(overrides)
    assert len(asked) == 3 + 6


def test_a_fingerprint_that_a_run_is_given_does_not_reach_the_next(counted):
    """Each has a configuration of its own."""
    compositions, _ = counted
    for seed in range(4):
        config = compositions.of([f"seed={seed}"]).config
        assert config.fingerprint == ""
        config.fingerprint = "of this run"
