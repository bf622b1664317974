"""What sweeps cost: against joblib's launcher, against a shell loop, by the number of workers and of runs.

Each is a command of its own, imports and all, into a store of its own, in alternating order.

    python benchmarks/sweeps.py                       everything, some ten minutes
    python benchmarks/sweeps.py --only workers        one of joblib, loop, workers, start
    python benchmarks/sweeps.py --pairs 1
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path

from pairs import keep, parser_of, ratios_of, store_in

from pitfalls.project import ROOT

SWEEP = "bench-sweep"

LINE = ["-m", "runtime=keras2", "generator=glob(*)", "model=glob(*)", "seed=0,1,2,3", "training=brief"]
"""Six generators, three models, four seeds: 72 runs."""

LOCAL, JOBLIB = (
    ["hydra/launcher=local", "hydra.launcher.workers=2"],
    ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
)

LOOPED = ["runtime=keras2", "training=brief"]
MODELS, SEEDS = ("dense", "mean_lambda"), range(4)
"""Of the comparison with a shell loop: eight runs."""

FEW, MANY = 10, 1000
"""The runs of two sweeps whose starts are compared."""


@contextmanager
def store() -> Iterator[list[str]]:
    """Give the overrides of a store that nothing else uses, and remove the runs in the end."""
    shutil.rmtree(ROOT / "runs" / SWEEP, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        yield [*store_in(folder), f"sweep={SWEEP}"]
    shutil.rmtree(ROOT / "runs" / SWEEP, ignore_errors=True)


def train(*words: str) -> float:
    """Return the seconds of one command."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "src/train.py", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def swept(launcher: list[str]) -> float:
    """Return the seconds of a whole sweep of 72 runs, from its command to its table."""
    with store() as into:
        return train(*LINE, *launcher, *into)


def swept_once() -> float:
    """Return the seconds of a sweep of eight runs."""
    with store() as into:
        spans = [f"model={','.join(MODELS)}", f"seed={','.join(map(str, SEEDS))}"]
        return train("-m", *LOOPED, *spans, *into)


def looped() -> float:
    """Return the seconds of the same eight runs, each a command, one after another."""
    with store() as into:
        return sum(
            train(*LOOPED, f"model={model}", f"seed={seed}", *into) for model, seed in product(MODELS, SEEDS)
        )


def runs_a_second(workers: int) -> float:
    """Return how many runs of 72 end in a second, from the first result to the last: without the start."""
    with store() as into:
        train(*LINE, "hydra/launcher=local", f"hydra.launcher.workers={workers}", *into)
        ended = sorted(path.stat().st_mtime for path in (ROOT / "runs" / SWEEP).rglob("result.json"))
    return (len(ended) - 1) / (ended[-1] - ended[0])


def start_seconds(runs: int) -> float:
    """Return the seconds from the command to the launch of a sweep's first run."""
    from scale import UNTIL_THE_LAUNCH, line_of, seconds

    return seconds("-c", UNTIL_THE_LAUNCH, "src/train.py", *line_of(runs), "tracking=off")


def against_joblib(pairs: int, command: str) -> None:
    """Hold our launcher against joblib's."""
    ratios = ratios_of(partial(swept, LOCAL), partial(swept, JOBLIB), pairs)
    keep("sweep_against_joblib", "72 runs by our launcher / the same by joblib's", ratios, command, 1.0)


def against_a_loop(pairs: int, command: str) -> None:
    """Hold a sweep against a shell loop."""
    ratios = ratios_of(swept_once, looped, pairs)
    keep("sweep_against_loop", "8 runs as one sweep / the same as 8 commands", ratios, command, 0.5)


def of_workers(pairs: int, command: str) -> None:
    """Hold two workers against one, and say how much of the ideal that is."""
    ratios = ratios_of(partial(runs_a_second, 2), partial(runs_a_second, 1), pairs, "runs/s")
    what = "runs that two workers end in a second / twice what one does, the start left out"
    keep("two_workers_of_ideal", what, [ratio / 2 for ratio in ratios], command, 0.85, is_better_higher=True)


def of_the_start(pairs: int, command: str) -> None:
    """Hold the start of a large sweep against that of a small one."""
    ratios = ratios_of(partial(start_seconds, MANY), partial(start_seconds, FEW), pairs)
    keep("start_of_1000_runs", f"until the first of {MANY} runs is launched / of {FEW}", ratios, command)


PARTS = {"joblib": against_joblib, "loop": against_a_loop, "workers": of_workers, "start": of_the_start}


def main() -> None:
    """Measure, print each pair and the medians."""
    parser = parser_of(__doc__, 3)
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="one part; may be given more than once"
    )
    told = parser.parse_args()
    for part in told.only or PARTS:
        PARTS[part](told.pairs, f"python benchmarks/{Path(__file__).name} --only {part}")


if __name__ == "__main__":
    main()
