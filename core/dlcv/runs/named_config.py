"""Configurations by the path of a file, or by a name that a package knows, such as a recipe's."""

import logging
import os
from pathlib import Path

from dlcv.config import RecipeConfig, RunConfig, read_toml
from dlcv.errors import DlcvError, printable
from dlcv.interfaces import options_of
from dlcv.registry import registry
from dlcv.registry.spec import Spec, SpecList

logger = logging.getLogger(__name__)


def load_config(config: str | os.PathLike[str], *, needs_data: bool = False) -> RunConfig:
    """Reads the configuration in a file, or that of a name.

    Args:
        config: A path, or a name that a package knows.
        needs_data: Whether the data of a recipe must be where the recipe has it.

    Raises:
        DlcvError: there is no such configuration, something in it is wrong, or data is missing.
    """
    named = registry.hooks().dlcv_configuration(name=config) if isinstance(config, str) else None
    path = named or Path(config)
    read = RunConfig.load(path)
    wanted = RecipeConfig.of(read_toml(path), str(path)).data
    if needs_data and wanted and not Path(read.data).expanduser().exists():
        raise DlcvError(
            f"{config} needs {wanted}, and {read.data} does not exist; name yours with --data"
        )
    return read


def log_named(config: RunConfig, source: str | os.PathLike[str]) -> None:
    """Prints what a configuration names, plugins and paths, before any of them is used.

    Args:
        config: The configuration, with what the command line has changed.
        source: Where it is from, which may be a person who is not trusted.
    """
    logger.info("%s, with what is given beside it, uses:", source)
    named = {name: getattr(config, name) for name in options_of(RunConfig)}
    for name, value in {**named, "groups": config.split.groups}.items():
        if name == "data" or (isinstance(value, Spec | SpecList | Path) and str(value)):
            # A line break in a name must not look like a line of this list.
            logger.info("  %-15s %s", name, printable(str(value)))
