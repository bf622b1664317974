"""Places: what a run writes stays below runs/<sweep>, whatever brings its configuration.

What judges and shows finds runs by their place. A folder, or an option's name that becomes
one, may come from the command line, from a file of somebody's own, or from a file that such a file names.
"""

import os
import re
from copy import deepcopy
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from pitfalls.config.schema import checked_name
from pitfalls.errors import ConfigurationError
from pitfalls.project import AXES, ROOT

CURE = "Give the runs a name of their own instead: sweep=mine. They go to runs/mine/."

HYDRA_KEYS = ("hydra/launcher", "hydra.launcher", "hydra.verbose", "hydra.searchpath")
"""What may be said to Hydra itself: its other keys move folders and files, or take away what checks them."""


def refuse_hydra_key(key: str, said: str) -> None:
    """Refuse a key of Hydra's own by which a run would leave its place.

    Args:
        key: The key.
        said: The override as it was typed.

    Raises:
        ConfigurationError: Names it, and how to name a sweep.
    """
    if not any(key == known or key.startswith(f"{known}.") for known in HYDRA_KEYS):
        raise ConfigurationError(
            f"{said} is not accepted: the folder of a run follows from its cell, below runs/, and nothing finds it "
            f"elsewhere.\n{CURE} Of Hydra's keys these are accepted: {', '.join(HYDRA_KEYS)}."
        )


def refuse_path(axis: str, option: str) -> None:
    """Refuse an option whose name would lead out of its folder.

    Raises:
        ConfigurationError: Names it.
    """
    if not re.fullmatch(r"\w[\w.@=,+-]*", option):
        raise ConfigurationError(
            f"{axis}={option} is no name: it becomes a folder below runs/.\n"
            f"Put the file into a folder {axis}/ of your own and name it without a path: --config-dir=... {axis}=mine."
        )


def refuse_run_elsewhere(config: DictConfig) -> None:
    """Refuse a run that would leave its folder: options whose names are paths, or Hydra's own files.

    Raises:
        ConfigurationError: Names the first.
    """
    for axis in AXES:
        refuse_path(axis, str(config.hydra.runtime.choices[axis]))
    refuse_folder(ROOT / "runs" / str(config.hydra.output_subdir or ""), ROOT / "runs")


def refuse_outside(config: DictConfig, key: str) -> None:
    """Refuse a configuration by which Hydra would write elsewhere than below runs/<sweep>.

    Args:
        config: The configuration, with Hydra's part.
        key: Whether the folder is that of `hydra.run` or of `hydra.sweep`.

    Raises:
        ConfigurationError: Names the folder.
    """
    refuse_run_elsewhere(config)
    HydraConfig.instance().set_config(
        deepcopy(config)
    )  # what names a folder asks for it; the copy is made read-only
    refuse_folder(Path(str(config.hydra[key].dir)), ROOT / "runs" / checked_name(config.sweep))


def refuse_folder(folder: Path, below: Path) -> None:
    """Refuse a folder that is not another one or below it, as their names say: runs/ may be a link.

    Raises:
        ConfigurationError: Names both.
    """
    if not Path(os.path.abspath(folder)).is_relative_to(os.path.abspath(below)):
        raise ConfigurationError(
            f"a run would be written to {folder}, where nothing finds it again: its place is below {below}.\n{CURE}"
        )
