"""What tracking costs: a keras3 run tracked against the same run with tracking=off, side by side.

Imports are left out. Each pair trains the same run twice, in alternating order; the bar is a median
ratio of 1.05 at 5 x 1000 steps.

    python benchmarks/tracking.py            nine pairs, some five minutes
    python benchmarks/tracking.py --pairs 3 --steps 200
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from pitfalls.startup import prepare

prepare()

from hydra import compose, initialize_config_dir  # noqa: E402

from pitfalls.config import schema  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.train import cell_of, train_and_write  # noqa: E402

BAR = 1.05


def seconds(overrides: list[str], folder: Path) -> float:
    """Return the seconds of one whole run, from its configuration to its files."""
    composed = compose("config", overrides, return_hydra_config=True)
    config = schema.resolved(composed)
    started = time.perf_counter()
    train_and_write(config, cell_of(config, composed.hydra.runtime.choices), folder)
    return time.perf_counter() - started


def main() -> None:
    """Measure, print each pair and the median ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--steps", type=int, default=1000, help="steps of each of the five epochs")
    told = parser.parse_args()
    schema.register()
    run = ["training.epochs=5", f"training.steps_per_epoch={told.steps}"]
    with (
        tempfile.TemporaryDirectory() as name,
        initialize_config_dir(str(ROOT / "conf"), version_base="1.3"),
    ):
        folder = Path(name)
        off = [*run, "tracking=off"]
        tracked = [*run, f"tracking.uri=sqlite:///{folder}/mlflow.db", f"tracking.artifacts={folder}/mlruns"]
        for overrides in (off, tracked):  # imports, the store, the first trace
            seconds([*overrides, "training.steps_per_epoch=10"], folder)
        ratios = []
        for pair in range(told.pairs):
            order = [off, tracked] if pair % 2 else [tracked, off]
            took = {len(overrides): seconds(overrides, folder) for overrides in order}
            ratios.append(took[len(tracked)] / took[len(off)])
            print(
                f"pair {pair + 1}: tracked {took[len(tracked)]:.2f} s, off {took[len(off)]:.2f} s, "
                f"ratio {ratios[-1]:.3f}",
                flush=True,
            )
    print(f"median ratio {statistics.median(ratios):.3f}, bar {BAR}")


if __name__ == "__main__":
    main()
