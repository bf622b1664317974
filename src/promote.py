"""Promote a run: register its model in MLflow, if every claim holds and its own cell is clean.

Example:
    python src/promote.py --runtime keras3 --generator fresh_arrays --model dense --seed 0
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import AXES, PAIR, PAIR_MEAN, ROOT, SeededCell  # noqa: E402
from pitfalls.stages.promote import promote  # noqa: E402


def main() -> None:
    """Promote the run that the arguments name."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prog="python src/promote.py",
    )
    for axis in AXES:
        parser.add_argument(f"--{axis}", required=True, help=f"its {axis}, an option of conf/{axis}")
    parser.add_argument("--seed", type=int, required=True, help="its seed, one that was trained")
    champion = SeededCell(**vars(parser.parse_args()))
    with messages_instead_of_tracebacks():
        model = promote(ROOT, champion)
    print(f"{champion} is now the champion: {model}, reports/champion.json")
    print(
        f"`make serve` serves it over HTTP, on this machine only. It answers {[list(PAIR)]} with {PAIR_MEAN:g}."
    )


if __name__ == "__main__":
    main()
