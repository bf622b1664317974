"""The pipeline: what each stage of dvc.yaml depends on is what its door imports."""

from pathlib import Path

import pytest
import yaml
from house.walls import ROOT, SRC, imports, named_in_conf, reached_from

STAGES = {
    "frameworks": ("frameworks",),
    "article": ("train",),
    "probe": ("probe",),
    "check": ("check",),
    "matrix_tensorflow": ("train",),
    "matrix_jax": ("train",),
    "matrix_torch": ("train",),
    "alignment_tensorflow": ("train",),
    "alignment_jax": ("train",),
    "allocation": ("probe",),
    "verify": ("verify",),
    "report": ("report",),
    "promote": ("promote",),
}
"""For each stage the doors that it runs."""

TRAIN_NOTHING = ("src/pitfalls/claims/", "src/pitfalls/verdicts/", "src/pitfalls/report/")
"""An edit of these must train nothing, though what trains prints their verdict at the end."""

TRAINS = {
    "article",
    "matrix_tensorflow",
    "matrix_jax",
    "matrix_torch",
    "alignment_tensorflow",
    "alignment_jax",
}

COMPOSES = {"train", "probe", "check"}
"""Doors that compose conf/, and so load what its options name."""


def stages() -> dict:
    """Return the stages of dvc.yaml."""
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def files_behind(door: str) -> set[str]:
    """Return the files of ours that a door loads, sooner or later."""
    graph = imports()
    roots = {door} | (named_in_conf() if door in COMPOSES else set())
    roots |= (
        {
            "hydra_plugins.pitfalls_cells",
            "hydra_plugins.pitfalls_clusters",
            "hydra_plugins.pitfalls_local",
            "pitfalls.workers.preload",
        }
        if door == "train"
        else set()
    )
    modules = set().union(*(reached_from(root, graph) for root in roots)) - {"pitfalls"}
    return {file_of(module) for module in modules if file_of(module)}


def file_of(module: str) -> str:
    """Return the file of a module as dvc.yaml names it, nothing for a package without code."""
    path = SRC / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.relative_to(ROOT).as_posix() if file.exists() else ""


def uncovered(stage: str, deps: list[str]) -> set[str]:
    """Return the files that a stage loads and that no dependency names, neither the file nor a folder above it."""
    files = set().union(*(files_behind(door) for door in STAGES[stage]))
    if stage in TRAINS:
        files = {file for file in files if not file.startswith(TRAIN_NOTHING)}
    packages = {file for file in files if file.endswith("/__init__.py")}
    return {file for file in files - packages if not {file, *map(str, Path(file).parents)} & set(deps)}


def test_every_stage_is_held():
    """A ninth stage would stand out here."""
    assert set(stages()) == set(STAGES)
    for stage, doors in STAGES.items():
        assert all(f"python src/{door}.py" in str(stages()[stage]["cmd"]) for door in doors)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_that_it_loads(stage):
    """Sooner or later, also inside functions."""
    assert uncovered(stage, stages()[stage]["deps"]) == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_nothing_of_ours_that_it_does_not_load(stage):
    """Else an edit of something else would run it again."""
    files = set().union(*(files_behind(door) for door in STAGES[stage]))
    ours = [dep for dep in stages()[stage]["deps"] if dep.startswith("src/")]
    assert [dep for dep in ours if not any(f"{file}/".startswith(f"{dep}/") for file in files)] == []


@pytest.mark.parametrize("stage", sorted(TRAINS))
def test_an_edited_formula_trains_nothing(stage):
    """Neither it, nor what judges and shows, stands under a stage that trains."""
    assert not [dep for dep in stages()[stage]["deps"] if f"{dep}/".startswith(TRAIN_NOTHING)]


@pytest.mark.parametrize("stage", STAGES)
def test_a_dependency_that_is_missing_would_be_seen(stage):
    """Each one of ours, left out."""
    deps = stages()[stage]["deps"]
    for dep in deps:
        if dep.startswith("src/"):
            assert uncovered(stage, [other for other in deps if other != dep]), dep
