"""Hold two batches of a generator together, and say whether each label fits its inputs. Trains nothing.

Examples:
    python src/probe.py generator=reused_inputs task.batch_size=1
    python src/probe.py experiment=listing_3
    python src/probe.py -m experiment=listing_3,listing_4,listing_5 sweep=article
"""

import sys

from pitfalls.startup import prepare

prepare()

import hydra  # noqa: E402
from omegaconf import DictConfig  # noqa: E402

from pitfalls.config import overrides, schema  # noqa: E402
from pitfalls.errors import messages_instead_of_tracebacks  # noqa: E402
from pitfalls.stages import probe  # noqa: E402

schema.register()


@hydra.main(config_path="../conf", config_name="probe", version_base="1.3")
def main(composed: DictConfig) -> None:
    """Probe the generator that Hydra composed."""
    with messages_instead_of_tracebacks():
        probe.run(composed)


if __name__ == "__main__":
    with messages_instead_of_tracebacks():
        overrides.refuse_unknown(sys.argv[1:])
    main()
