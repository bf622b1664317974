"""Train one run, or with -m every run that the overrides span; track it and judge it.

Examples:
    python src/train.py runtime=keras2 generator=reused_inputs model=dense seed=0
    python src/train.py experiment=listing_1
    python src/train.py -m generator='glob(*)' model='glob(*)' seed=0,1,2 dry_run=true
"""

import sys

from pitfalls.startup import prepare

prepare()

import hydra  # noqa: E402
from omegaconf import DictConfig  # noqa: E402

from pitfalls.config import overrides, schema  # noqa: E402
from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.stages import train  # noqa: E402

schema.register()


@hydra.main(config_path="../conf", config_name="config", version_base="1.3")
def main(composed: DictConfig) -> train.Outcome:
    """Train the run that Hydra composed, and return what became of it."""
    with messages_instead_of_tracebacks():
        return train.run(composed)


if __name__ == "__main__":
    with messages_instead_of_tracebacks():
        overrides.refuse_unknown(sys.argv[1:])
    main()
