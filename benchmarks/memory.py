"""Whether a long sweep grows: what its processes hold near the end of 1,000 runs against near the beginning.

The runs are as short as runs can be. The memory is that of the command and all its workers together, as their
resident set; the median of the looks within a hundred runs.

    python benchmarks/memory.py               1,000 runs, some four minutes
    python benchmarks/memory.py --runs 300
"""

import shutil
import statistics
import subprocess
import sys
import time

import psutil
from pairs import keep, parser_of

from pitfalls.project import ROOT

SWEEP = "bench-memory"
BAR = 1.25
LINE = [
    "-m", "runtime=keras2", "model=dense", "generator=fresh_arrays", "training.epochs=1", "training.steps_per_epoch=20",
    "training.steps_per_execution=20", "training.window_steps=20", "tracking=off", f"sweep={SWEEP}",
]  # fmt: skip


def held_by(parent: psutil.Process) -> float:
    """Return the megabytes of a process and its children."""
    total = 0.0
    for process in [parent, *parent.children(recursive=True)]:
        try:
            total += process.memory_info().rss / 1e6
        except psutil.Error:
            continue  # it ended
    return total


def looks(runs: int) -> list[tuple[int, float]]:
    """Return how many runs had ended and what was held, once a second of a sweep."""
    folder = ROOT / "runs" / SWEEP
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    with subprocess.Popen(
        [sys.executable, "src/train.py", *LINE, f"seed=range({runs})"], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as sweep:
        while sweep.poll() is None:
            found.append((len(list(folder.rglob("result.json"))), held_by(psutil.Process(sweep.pid))))
            time.sleep(1)
    assert sweep.returncode == 0
    shutil.rmtree(folder)
    return found


def main() -> None:
    """Measure, and print what was held along the way."""
    parser = parser_of(__doc__, 1)
    parser.add_argument("--runs", type=int, default=1000)
    told = parser.parse_args()
    tenth, ratios = told.runs // 10, []
    for _ in range(told.pairs):
        found = looks(told.runs)
        held = {
            at: statistics.median(
                megabytes for ended, megabytes in found if at * tenth <= ended < (at + 1) * tenth
            )
            for at in range(1, 10)
        }
        for at, megabytes in held.items():
            print(f"  after {at * tenth} runs: {megabytes:.0f} MB", flush=True)
        ratios.append(held[9] / held[1])
    what = f"memory of a sweep after nine tenths of {told.runs} runs / after one tenth"
    keep("memory", what, ratios, f"python benchmarks/memory.py --runs {told.runs}", BAR)


if __name__ == "__main__":
    main()
