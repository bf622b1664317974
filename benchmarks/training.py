"""What the lab's two shortcuts save: a step's operations in one thread, and an iterator let go in another.

Each pair trains the same run with a shortcut and without it, in alternating order. Neither may change
what is measured, so the share of broken rows stands beside each ratio.

    python benchmarks/training.py            five pairs of 1000 steps each, some three minutes
    python benchmarks/training.py --pairs 2 --steps 400
"""

import statistics
from contextlib import nullcontext
from unittest import mock

from pairs import keep, parser_of, ratios_of

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

WITHOUT = {  # what is trained, what takes the shortcut away, and what is divided by what
    "one_thread_keras3": (
        "keras3",
        POOL_OF_THREADS,
        "a training of keras3 with its operations in one thread / in a pool",
    ),
    "one_thread_keras3_workers": ("keras3_workers", POOL_OF_THREADS, "the same of keras3_workers"),
    "one_thread_custom_loop": ("custom_loop", POOL_OF_THREADS, "the same of custom_loop"),
    "iterator_let_go": (
        "keras3",
        WAIT_FOR_THE_ITERATOR,
        "a training of keras3 that lets its iterator go / that waits for it",
    ),
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


def with_and_without(name: str, pairs: int, steps: int) -> None:
    """Hold a training with a shortcut against one without."""
    runtime, (owner, attribute, replacement), what = WITHOUT[name]
    shares: dict[bool, list[float]] = {True: [], False: []}

    def seconds(has_shortcut: bool) -> float:
        taken_away = nullcontext() if has_shortcut else mock.patch.object(owner, attribute, replacement)
        with taken_away:
            took, share = measured(runtime, steps)
        shares[has_shortcut].append(share)
        return took

    ratios = ratios_of(lambda: seconds(True), lambda: seconds(False), pairs, is_told=False)
    keep(
        name,
        what,
        ratios,
        "python benchmarks/training.py",
        1.0,
    )
    print(
        f"  broken rows {statistics.median(shares[True]):.3f}, without {statistics.median(shares[False]):.3f}"
    )


def main() -> None:
    """Measure each shortcut."""
    parser = parser_of(__doc__, 5)
    parser.add_argument(
        "--steps", type=int, default=1000, help=f"of each training, a multiple of {EPOCH_STEPS}"
    )
    told = parser.parse_args()
    schema.register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        measured("keras3", EPOCH_STEPS)  # the first trace
        for name in WITHOUT:
            with_and_without(name, told.pairs, told.steps)


if __name__ == "__main__":
    main()
