"""What a sweep costs besides its training, at 100, 1,000 and 10,000 runs: composed, found finished, resumed, judged, tracked.

Nothing is trained. Each step is a command of its own, as a user types it, and its seconds are those of the whole command.
The results are made up: each is what a run could have measured, with the fingerprint that its run would have.

    python benchmarks/scale.py                       100 and 1,000 runs, some two minutes
    python benchmarks/scale.py --runs 10000          one size
    python benchmarks/scale.py --runs 1000 --tracked the results are in a store too, and `track.py` compares them
    python benchmarks/scale.py --runs 1000 --report  the page and its tables, in a copy of the project
"""

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from omegaconf import OmegaConf
from pairs import store_in

from pitfalls.startup import prepare

prepare()

from hydra import compose, initialize_config_dir  # noqa: E402

from pitfalls.config import schema  # noqa: E402
from pitfalls.config.fingerprint import fingerprint  # noqa: E402
from pitfalls.config.schema import Config  # noqa: E402
from pitfalls.project import ROOT, Cell  # noqa: E402
from pitfalls.runs.folder import CONFIG, PROBE, RESULT, TRACKING, VERDICT, TrackedAs  # noqa: E402
from pitfalls.verdicts.run import judge  # noqa: E402

sys.path.insert(0, str(ROOT / "tests"))

from made_results import made_result  # noqa: E402
from made_store import PROBED  # noqa: E402

SWEEP = "bench-scale"

CELLS = [
    Cell("keras2", generator, model)
    for generator in ("reused_inputs", "fresh_arrays")
    for model in ("dense", "mean_lambda", "flat_mean_lambda")
]

UNTIL_THE_LAUNCH = """
import os, runpy, sys
sys.path.insert(0, "src")
del sys.argv[0]
from pitfalls.startup import prepare
prepare()
from pitfalls.stages.sweep import Sweep
Sweep.launch_once = lambda *told: os._exit(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A sweep that ends where its first run would begin."""

BARS = {("finished", 1000): 5.0, ("seeds", 10_000): 40.0}
"""Seconds of the two steps that were worst."""


def line_of(runs: int) -> list[str]:
    """Return the words that span so many runs of six cells, or a few more."""
    return [
        "-m", "runtime=keras2", "generator=reused_inputs,fresh_arrays", "model=glob(*)",
        f"seed=range({-(-runs // len(CELLS))})", f"sweep={SWEEP}",
    ]  # fmt: skip


def values_of(runs: int) -> list[str]:
    """Return the words that span so many runs, each with another value of a key that chooses no option."""
    return ["-m", "runtime=keras2", f"task.high=range(2,{runs + 2})", f"sweep={SWEEP}"]


def seconds(*words: str, cwd: Path = ROOT) -> float:
    """Return the seconds of one command of ours."""
    environment = os.environ | {"PYTHONPATH": str(cwd / "src")}
    started = time.perf_counter()
    told = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - started
    assert told.returncode == 0, told.stderr[-2000:] or told.stdout[-2000:]
    return took


def configured(cell: Cell, words: list[str]) -> Config:
    """Return the configuration of a cell at seed 0."""
    axes = [f"{axis}={option}" for axis, option in cell.options.items()]
    return schema.resolved(compose("config", [*axes, f"sweep={SWEEP}", *words]))


def make_up(runs: int, tracking: list[str], place: Path = ROOT / "runs" / SWEEP) -> None:
    """Write what so many runs could have left, tracked in a store that has not got them yet."""
    for cell in CELLS:
        config = configured(cell, tracking)
        for seed in range(-(-runs // len(CELLS))):
            write(cell, dataclasses.replace(config, seed=seed), place)


def write(cell: Cell, config: Config, place: Path) -> None:
    """Write the files of one run."""
    run = cell.at(config.seed)
    folder = place / run.path
    result = made_result(run, fingerprint=fingerprint(config))
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(OmegaConf.to_yaml(OmegaConf.create(dataclasses.asdict(config))))
    PROBED.write(folder / PROBE)
    if config.tracking.enabled:
        tags = {"sweep": place.name, "folder": folder.relative_to(ROOT).as_posix(), "seed": str(config.seed)}
        TrackedAs.by(config.tracking, tags, None, 1000).write(folder / TRACKING)
    judge(result).write(folder / VERDICT)
    result.write(folder / RESULT)


def steps(runs: int, store: list[str] | None) -> Iterator[tuple[str, float]]:
    """Yield what each step took."""
    off = store or ["tracking=off"]
    yield "seeds", seconds("src/train.py", *line_of(runs), *off, "dry_run=true")
    yield "values", seconds("src/train.py", *values_of(runs), *off, "dry_run=true")
    make_up(runs, off)
    yield "finished", seconds("src/train.py", *line_of(runs), *off)
    yield "verify", seconds("src/verify.py", "--matrix", SWEEP, "--article", SWEEP, "--report-only")
    if store:
        yield "sent", seconds("src/track.py")
        yield "compared", seconds("src/track.py")
        for folder in (ROOT / "runs" / SWEEP).glob("*/fresh_arrays"):
            shutil.rmtree(folder)
    else:
        shutil.rmtree(ROOT / "runs" / SWEEP)
    yield "begun", seconds("-c", UNTIL_THE_LAUNCH, "src/train.py", *line_of(runs), *off)


def report_steps(runs: int) -> Iterator[tuple[str, float]]:
    """Yield what the verdicts and the page take, and how many megabytes the page has."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in ("src", "conf"):
            shutil.copytree(
                ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        shutil.copy(ROOT / "params.yaml", copy)
        (copy / "reports").mkdir()
        make_up(runs, ["tracking=off"], copy / "runs" / "matrix")
        yield "verdicts", seconds("src/verify.py", "--report-only", cwd=copy)
        yield "page", seconds("src/report.py", cwd=copy)
        yield "page's megabytes", (copy / "reports" / "index.html").stat().st_size / 1e6


def main() -> None:
    """Measure, and print a line for each step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, action="append", help="how many; may be given more than once")
    parser.add_argument("--tracked", action="store_true", help="with a SQLite store in a temporary folder")
    parser.add_argument("--report", action="store_true", help="the verdicts and the page alone")
    told = parser.parse_args()
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for runs in told.runs or [100, 1000]:
            with tempfile.TemporaryDirectory() as folder:
                shutil.rmtree(ROOT / "runs" / SWEEP, ignore_errors=True)
                store = store_in(folder)
                for step, took in (
                    report_steps(runs) if told.report else steps(runs, store if told.tracked else None)
                ):
                    bar = f", bar {BARS[step, runs]:g} s" if (step, runs) in BARS else ""
                    print(f"{runs} runs, {step}: {took:.1f}{bar}", flush=True)
    shutil.rmtree(ROOT / "runs" / SWEEP, ignore_errors=True)


if __name__ == "__main__":
    main()
