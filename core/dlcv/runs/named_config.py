"""Configurations by the path of a file, or by a name that a package knows, such as a recipe's."""

import os
from pathlib import Path

from dlcv.config import RecipeConfig, RunConfig, read_toml
from dlcv.errors import DlcvError
from dlcv.registry import registry


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
