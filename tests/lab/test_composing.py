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
from pitfalls.config.composing import SharedComposition
from pitfalls.project import ROOT

SWEEP = ["sweep=mine", "hydra/launcher=joblib", "training.epochs=3"]
RUN = [
    "runtime=keras2",
    "generator=reused_inputs",
    "seed=2",
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
        assert loader.load_sweep_config(master, [*RUN[:2], "seed=7"]).seed == 7
        with pytest.raises(TypeError):
            loader.load_sweep_config(master, [*RUN, "task.high=10"])


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
    for high in (10, 20):
        assert ours.load_sweep_config(master, [f"task.high={high}"]).task.high == high
        sizes.append(len(pickle.dumps(ours)))
    assert sizes[0] == sizes[1]
