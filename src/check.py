"""Run the guard on every generator, and on every model with it; write reports/guard.json. Trains nothing.

A finding is not a failure here: `python src/verify.py` says whether the guard fired
where it should, and nowhere else.

Examples:
    python src/check.py
    python src/check.py --seed 1
"""

import argparse
from pathlib import Path

from pitfalls.startup import prepare, quick_imports

prepare()

with quick_imports():
    from pitfalls.stages.check import check_all
    from pitfalls.stages.guarded import checked_with
from pitfalls.config import schema  # noqa: E402
from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.project import ROOT  # noqa: E402
from pitfalls.verdicts import guard  # noqa: E402

schema.register()


def asked() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/check.py"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the generators' random draws")
    parser.add_argument("--framework", help="check with this framework alone, in this process")
    parser.add_argument("--to", type=Path, help="where to write what was found (default: reports/guard.json)")
    return parser.parse_args()


def main() -> None:
    """Check, write, and print what was found."""
    told = asked()
    place = told.to or ROOT / "reports" / guard.PLACE
    with messages_instead_of_tracebacks():
        report = checked_with(told.framework, told.seed) if told.framework else check_all(told.seed)
        report.write(place)
    for generator in report.generators:
        print(f"{generator.generator:<24} {', '.join(generator.rules) or generator.status}")
    shown = place.relative_to(ROOT) if place.is_relative_to(ROOT) else place
    fired = sum(model.status == "findings" for model in report.models)
    print(f"The guard found something in {fired} of {len(report.models)} cells: {shown}")


if __name__ == "__main__":
    main()
