"""The project's own files: what they say of each other is true."""

import subprocess

import pytest
import yaml

from pitfalls.project import AXES, PIPELINE, RELEASE, ROOT, listed, listed_options
from pitfalls.stages.release import BENCHMARKS, RELEASED


def test_git_holds_no_report_but_the_release_and_no_lock_of_dvc():
    """So a reproduction changes no tracked file; DVC refuses a lock file that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "reports", "dvc.lock"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert sorted(listed.stdout.split()) == sorted(f"{RELEASE}/{name}" for name in (*RELEASED, BENCHMARKS))
    ignored = subprocess.run(
        ["git", "check-ignore", "dvc.lock", "reports/verdicts.json", "reports/index.html", "reports/plots/loss.csv"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ignored.stdout.split() == ["reports/verdicts.json", "reports/index.html", "reports/plots/loss.csv"]


def test_the_entry_points_of_mlproject_are_stages():
    """One word names a stage, an entry point and the module that runs it; the matrix is a stage a framework."""
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) | {"train"}
    stages |= {"matrix" for stage in stages if stage.startswith("matrix_")}
    entry_points = set(yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"])
    assert entry_points == {"train", "matrix", "article", "probe", "check", "verify", "report", "promote"}
    assert entry_points <= stages


def composed_defaults() -> dict[str, str]:
    """Return the option of each group that conf/config.yaml takes by default, and its plain keys."""
    config = yaml.safe_load((ROOT / "conf" / "config.yaml").read_text())
    groups = {
        key: value for entry in config["defaults"] if isinstance(entry, dict) for key, value in entry.items()
    }
    return groups | {key: value for key, value in config.items() if key not in ("defaults", "hydra")}


@pytest.mark.parametrize("parameter", ["runtime", "generator", "model", "seed", "training", "sweep"])
def test_mlproject_trains_by_default_what_conf_does(parameter):
    """One home for each default: a copy elsewhere is held to it."""
    parameters = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]["train"]["parameters"]
    assert parameters[parameter]["default"] == composed_defaults()[parameter]


def test_mlproject_s_other_defaults_are_those_of_their_homes():
    """The champion and the first runtime of params.yaml, and the sweeps of the pipeline."""
    points = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    defaults = {
        name: {key: parameter["default"] for key, parameter in point.get("parameters", {}).items()}
        for name, point in points.items()
    }
    assert defaults["promote"] == params["champion"]
    assert defaults["matrix"]["runtime"] == listed_options("runtime")[0]
    assert defaults["matrix"]["seed"] == params["matrix"]["seed"]
    assert tuple(defaults["verify"].values()) == PIPELINE
    listing_3 = yaml.safe_load((ROOT / "conf" / "experiment" / "listing_3.yaml").read_text())
    assert defaults["probe"]["batch_size"] == listing_3["task"]["batch_size"]
    assert {"override /generator": defaults["probe"]["generator"]} in listing_3["defaults"]


def test_params_yaml_lists_every_option_and_names_those_that_there_are():
    """An option that the matrix leaves out, or one that is not there, would stand out here."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for axis in AXES:
        assert sorted(listed_options(axis)) == sorted(
            path.stem for path in (ROOT / "conf" / axis).glob("*.yaml")
        )
    assert (ROOT / "conf" / "training" / f"{params['budget']}.yaml").exists()


def test_each_framework_is_a_stage_whose_outputs_are_its_runtimes_folders():
    """A runtime that params.yaml lists and dvc.yaml does not would be trained and never be missed."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    by_framework = yaml.safe_load((ROOT / "params.yaml").read_text())["matrix"]["runtime"]
    for framework in by_framework:
        runtimes = listed(f"matrix.runtime.{framework}", ROOT / "params.yaml")
        stage = stages[f"matrix_{framework}"]
        folders = [path for out in stage["outs"] for path in out]
        assert sorted(folders) == sorted(f"runs/matrix/{runtime}" for runtime in runtimes)
        for runtime in runtimes:
            conf = yaml.safe_load((ROOT / "conf" / "runtime" / f"{runtime}.yaml").read_text())
            assert conf["framework"] == framework


def test_params_yaml_names_a_launcher_that_conf_takes_by_default_too():
    """One home for it: the copy is held to the other."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert params["launcher"] == composed_defaults()["override hydra/launcher"]
