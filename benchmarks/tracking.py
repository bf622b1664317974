"""What tracking costs: a keras3 run tracked against the same run with tracking=off, side by side.

Imports are left out. Each pair trains the same run twice, in alternating order; the bar is a median
ratio of 1.05 at 5 x 1000 steps.

    python benchmarks/tracking.py            nine pairs, some five minutes
    python benchmarks/tracking.py --pairs 3 --steps 200
"""

import tempfile
import time
from functools import partial
from pathlib import Path

from pairs import keep, parser_of, ratios_of, store_in

from pitfalls.startup import prepare

prepare()

from hydra import compose, initialize_config_dir  # noqa: E402

from pitfalls.config import schema  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.stages.train import cell_of, train_and_write  # noqa: E402

BAR, STEPS = 1.05, 1000


def seconds(overrides: list[str], folder: Path) -> float:
    """Return the seconds of one whole run, from its configuration to its files."""
    composed = compose("config", overrides, return_hydra_config=True)
    config = schema.resolved(composed)
    started = time.perf_counter()
    train_and_write(config, cell_of(config, composed.hydra.runtime.choices), folder)
    return time.perf_counter() - started


def main() -> None:
    """Measure, print each pair and the median ratio."""
    parser = parser_of(__doc__, 9)
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each of the five epochs")
    told = parser.parse_args()
    schema.register()
    run = ["training.epochs=5", f"training.steps_per_epoch={told.steps}"]
    with (
        tempfile.TemporaryDirectory() as name,
        initialize_config_dir(str(ROOT / "conf"), version_base="1.3"),
    ):
        folder = Path(name)
        off = [*run, "tracking=off"]
        tracked = [*run, *store_in(name)]
        for overrides in (off, tracked):  # imports, the store, the first trace
            seconds([*overrides, "training.steps_per_epoch=10"], folder)
        ratios = ratios_of(partial(seconds, tracked, folder), partial(seconds, off, folder), told.pairs)
    command = "python benchmarks/tracking.py" + (f" --steps {told.steps}" if told.steps != STEPS else "")
    what = f"a run of keras3, 5 x {told.steps} steps, tracked / untracked"
    keep("tracked", what, ratios, command, BAR if told.steps == STEPS else None)


if __name__ == "__main__":
    main()
