"""What the lab's two shortcuts save: a step's operations in one thread, and an iterator let go in another.

Each pair trains the same run with a shortcut and without it, in alternating order. Neither may change
what is measured, so the share of broken rows stands beside each ratio.

    python benchmarks/training.py            five pairs of 1000 steps each, some three minutes
    python benchmarks/training.py --pairs 2 --steps 400
"""

import argparse
import statistics
from contextlib import nullcontext
from unittest import mock

from pitfalls.startup import prepare

prepare()

from hydra import compose, initialize_config_dir  # noqa: E402

from pitfalls.config import schema  # noqa: E402
from pitfalls.lab.tensorflow import fit, private  # noqa: E402
from pitfalls.lab.training import train  # noqa: E402
from pitfalls.project import ROOT, SeededCell  # noqa: E402

EPOCH_STEPS = 200
POOL_OF_THREADS = private, "in_one_thread", nullcontext
WAIT_FOR_THE_ITERATOR = fit.ObservedModel, "let_iterator_go", lambda model: model._iterator.clear()

WITHOUT = {  # what is trained, and what takes the shortcut away
    "one thread, keras3": ("keras3", POOL_OF_THREADS),
    "one thread, keras3_workers": ("keras3_workers", POOL_OF_THREADS),
    "one thread, custom_loop": ("custom_loop", POOL_OF_THREADS),
    "iterator let go, keras3": ("keras3", WAIT_FOR_THE_ITERATOR),
}


def measured(runtime: str, steps: int) -> tuple[float, float]:
    """Return the seconds of a training, and its share of broken rows."""
    composed = compose(
        "config",
        [
            f"runtime={runtime}",
            "generator=reused_inputs_aligned",
            f"training.epochs={steps // EPOCH_STEPS}",
            f"training.steps_per_epoch={EPOCH_STEPS}",
        ],
    )
    run = SeededCell(runtime, "reused_inputs_aligned", "dense", 0)
    result = train(schema.resolved(composed), run).result
    return result.seconds.training, result.broken_rows


def main() -> None:
    """Measure, and print the median of each shortcut's pairs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--steps", type=int, default=1000, help=f"of each training, a multiple of {EPOCH_STEPS}"
    )
    told = parser.parse_args()
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        measured("keras3", EPOCH_STEPS)  # the first trace
        for name, (runtime, (owner, attribute, replacement)) in WITHOUT.items():
            ratios, shares = [], {True: [], False: []}
            for pair in range(told.pairs):
                took = {}
                for with_shortcut in (True, False) if pair % 2 else (False, True):
                    if with_shortcut:
                        took[True], share = measured(runtime, told.steps)
                    else:
                        with mock.patch.object(owner, attribute, replacement):
                            took[False], share = measured(runtime, told.steps)
                    shares[with_shortcut].append(share)
                ratios.append(took[True] / took[False])
            print(
                f"{name:<27} {statistics.median(ratios):.2f} times the seconds; "
                f"broken rows {statistics.median(shares[True]):.3f}, "
                f"without {statistics.median(shares[False]):.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
