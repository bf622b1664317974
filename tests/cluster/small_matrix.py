"""What both clusters train: sound cells of every framework, and the pipeline's matrix, small, in a copy of the project."""

from pathlib import Path

import yaml
from documented import copy_of_the_project, shell
from killed_sweeps import KilledSweep

MATRIX = {
    "runtime": {"tensorflow": "keras2"}, "generator": "fresh_arrays,reused_inputs", "model": "mean_lambda", "seed": "0",
}  # fmt: skip


def trains_every_framework(sweep: KilledSweep, expected: dict[str, dict]) -> None:
    """Insist that a sweep of several frameworks ends well, and measures what is expected."""
    assert sweep.finish() == 0, (sweep.folder / "printed.txt").read_text()
    assert len({place.partition("/")[0] for place in sweep.results()}) >= 2
    assert sweep.results() == expected


def train_by_dvc(folder: Path, launcher: str) -> int:
    """Train a matrix of two cells by `dvc repro` with a launcher, and return how many results there are."""
    project = copy_of_the_project(folder / "project")
    params = yaml.safe_load((project / "params.yaml").read_text())
    params |= {"matrix": MATRIX, "budget": "brief", "launcher": launcher}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    pipeline = yaml.safe_load((project / "dvc.yaml").read_text())
    stage = pipeline["stages"]["matrix_tensorflow"]
    stage["outs"] = [{"runs/matrix/keras2": {"cache": False, "persist": True}}]
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"matrix_tensorflow": stage}}))
    for line in ("dvc init --no-scm --quiet", "dvc repro --single-item matrix_tensorflow"):
        ran = shell(line, project)
        assert ran.returncode == 0, ran.stdout
    return len(list((project / "runs" / "matrix").rglob("result.json")))
