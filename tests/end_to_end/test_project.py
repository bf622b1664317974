"""The project's own files: what they say of each other is true."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import yaml

from pitfalls.config.schema import ROOT
from pitfalls.report.readme import with_results


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
    assert entry_points == {"train", "matrix", "article", "probe", "check", "verify", "report", "promote"}
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


def uncovered(loaded: set[str], deps: list[str]) -> set[str]:
    """Return the modules that no dependency names, neither the file nor a folder above it."""
    return {path for path in loaded if not {path, *map(str, Path(path).parents)} & set(deps)}


def test_the_stages_that_train_depend_on_every_module_that_training_loads():
    """But for what judges and shows what was trained, and trains nothing again."""
    loaded = modules_loaded_by(
        "import pitfalls.lab.training, pitfalls.tracking, pitfalls.stages.train, hydra_plugins.pitfalls_cells"
    )
    names = ("expectations", "judging", "ordering", "tables", "twin", "verification")
    judging = {f"src/pitfalls/{name}.py" for name in names}
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in ("article", "matrix"):
        assert not uncovered(loaded - judging, stages[stage]["deps"])
        assert not judging & set(stages[stage]["deps"]), "an edited formula must train nothing"


def test_the_stage_that_promotes_depends_on_every_module_that_it_loads():
    """An edit of what registers a model registers it again."""
    loaded = modules_loaded_by("import pitfalls.stages.promote, pitfalls.tracking")
    deps = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["promote"]["deps"]
    assert not uncovered(loaded, deps)


def importers_of_mlflow(folder: Path) -> set[str]:
    """Return the modules below a folder that import mlflow, at their top or inside a function."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
        if name.split(".")[0] == "mlflow"
    }


def test_tracking_alone_imports_mlflow():
    """What trains, judges and shows can be read and run without it."""
    importers = importers_of_mlflow(ROOT / "src")
    assert importers
    assert {Path(path).parent.as_posix() for path in importers} == {"pitfalls/tracking"}


def test_another_importer_of_mlflow_would_be_seen(tmp_path):
    """Also inside a function, and by `from`."""
    (tmp_path / "late.py").write_text("def f():\n    from mlflow.entities import Run\n    return Run\n")
    (tmp_path / "silent.py").write_text("import mlflowers\n")
    assert importers_of_mlflow(tmp_path) == {"late.py"}
