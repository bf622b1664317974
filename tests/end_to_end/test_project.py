"""The project's own files: what they say of each other is true."""

import json
import subprocess
import sys

import yaml

from pitfalls.config import ROOT
from pitfalls.readme import with_results


def test_the_readme_shows_the_last_release():
    """Its table is compared with what git holds, not with the run at hand."""
    held = subprocess.run(
        ["git", "show", "HEAD:reports/verdicts.json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    readme = (ROOT / "README.md").read_text()
    assert with_results(readme, json.loads(held.stdout)) == readme, "the README is stale: make readme"


def test_the_entry_points_of_mlproject_are_stages():
    """One word names a stage, an entry point and the module that runs it."""
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]) | {"train"}
    entry_points = set(yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"])
    assert entry_points == {"train", "matrix", "article", "probe", "verify", "report", "promote"}
    assert entry_points <= stages


def modules_loaded_by(statement: str) -> set[str]:
    """Return the project's modules that a statement loads, as paths."""
    code = (
        "from pitfalls.startup import prepare; prepare()\n"
        f"{statement}\nimport sys\n"
        "print(*[m.__file__ for n, m in list(sys.modules.items()) if n.startswith('pitfalls.') and m.__file__])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return {path.removeprefix(f"{ROOT}/") for path in told.stdout.split()}


def test_the_stages_that_train_depend_on_every_module_that_training_loads():
    """But for what judges and shows what was trained, and trains nothing again."""
    loaded = modules_loaded_by(
        "import pitfalls.training, pitfalls.tracking, pitfalls.running, pitfalls.sweeping"
    )
    names = ("expectations", "judging", "tables", "twin", "verification")
    judging = {f"src/pitfalls/{name}.py" for name in names}
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in ("article", "matrix"):
        assert loaded - judging <= set(stages[stage]["deps"])
        assert not judging & set(stages[stage]["deps"]), "an edited formula must train nothing"
