"""Pairs: which generators a runtime takes.

A file of conf/runtime says what its generators may yield, `takes`, and a file of conf/generator
what it yields; `arrays`, whole batches as NumPy arrays, where it says nothing.
"""

from typing import Any

from pitfalls.config.schema import Config
from pitfalls.errors import ConfigurationError
from pitfalls.project import ARRAYS, ROOT, option

KINDS = (ARRAYS, "samples", "tensors")
"""Whole batches as NumPy arrays, one row at a time, or whole batches as a framework's own tensors."""

NOT_ARGUMENTS = ("_target_", "yields")
"""Keys of a generator's file that its function is not given."""


def arguments_of(generator: dict[str, Any]) -> dict[str, Any]:
    """Return what a generator's function is given besides its draws and the task."""
    return {key: value for key, value in generator.items() if key not in NOT_ARGUMENTS}


def takes(config: Config) -> bool:
    """Tell whether a run's runtime takes what its generator yields; a sweep leaves the others out."""
    return config.generator.get("yields", ARRAYS) in config.takes


def refuse_pair(config: Config) -> None:
    """Refuse a generator that the runtime does not take.

    Raises:
        ConfigurationError: Names what it yields, what is taken, and the generators that yield it.
    """
    if unknown := sorted({config.generator.get("yields", ARRAYS), *config.takes}.difference(KINDS)):
        raise ConfigurationError(
            f"a generator cannot yield {unknown[0]}.\nChoose one of: {', '.join(KINDS)}."
        )
    if not takes(config):
        files = sorted((ROOT / "conf" / "generator").glob("*.yaml"))
        taken = [
            path.stem
            for path in files
            if option("generator", path.stem).get("yields", ARRAYS) in config.takes
        ]
        raise ConfigurationError(
            f"this generator yields {config.generator.get('yields', ARRAYS)}, "
            f"and this runtime takes {' or '.join(config.takes)}.\n"
            f"Choose one of: {', '.join(taken) or 'none'}."
        )
