"""What the lab's own launcher costs or saves: a sweep of 72 runs by `local` against the same by `joblib`, side by side.

Each is a command of its own, imports and all, into a store of its own; two workers; in alternating order.
The bar is a median ratio of 1.

    python benchmarks/sweeps.py            three pairs, some three minutes
    python benchmarks/sweeps.py --pairs 1
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from pitfalls.project import ROOT

BAR = 1.0

LINE = ["-m", "runtime=keras2", "generator=glob(*)", "model=glob(*)", "seed=0,1,2,3", "training=brief"]
"""Six generators, three models, four seeds: 72 runs."""

LAUNCHERS = {
    "local": ["hydra/launcher=local", "hydra.launcher.workers=2"],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
}


def seconds(launcher: str) -> float:
    """Return the seconds of one whole sweep, from its command to its table."""
    sweep = f"bench-{launcher}"
    shutil.rmtree(ROOT / "runs" / sweep, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        store = [f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlruns"]
        command = [sys.executable, "src/train.py", *LINE, *LAUNCHERS[launcher], *store, f"sweep={sweep}"]
        started = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
    shutil.rmtree(ROOT / "runs" / sweep)
    return took


def main() -> None:
    """Measure, print each pair and the median ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=3)
    ratios = []
    for pair in range(parser.parse_args().pairs):
        order = list(LAUNCHERS)[:: 1 if pair % 2 else -1]
        took = {launcher: seconds(launcher) for launcher in order}
        ratios.append(took["local"] / took["joblib"])
        print(
            f"pair {pair + 1}: local {took['local']:.1f} s, joblib {took['joblib']:.1f} s, ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.2f}, bar {BAR}")


if __name__ == "__main__":
    main()
