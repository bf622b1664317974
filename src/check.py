"""Put the guard on every generator and on every model with it; write reports/guard.json. Trains nothing.

What the guard finds is no failure here: `python src/verify.py` says whether it fired
where it should, and nowhere else.

Examples:
    python src/check.py
    python src/check.py --seed 1
"""

import argparse

from pitfalls.startup import prepare

prepare()

from pitfalls.startup import quick_imports  # noqa: E402

with quick_imports():
    from pitfalls.config import schema as config
    from pitfalls.stages import check as checking
    from pitfalls.stages import sweep as sweeping
from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.results import write_json  # noqa: E402

config.register()
sweeping.register()


def main() -> None:
    """Check, write, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="python src/check.py"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the generators' draws")
    seed = parser.parse_args().seed
    with messages_instead_of_tracebacks():
        checked = checking.check_all(seed)
        write_json(config.ROOT / "reports" / "guard.json", checked)
    for one in checked["generators"]:
        print(f"{one['generator']:<24} {', '.join(one['rules']) or one['status']}")
    fired = sum(one["status"] == "findings" for one in checked["models"])
    print(f"{fired} of {len(checked['models'])} models with their batches have findings: reports/guard.json")


if __name__ == "__main__":
    main()
