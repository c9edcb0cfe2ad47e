"""Lets `--config NAME` find the recipes of all packages."""

from pathlib import Path

from dlcv import hook


@hook
def dlcv_configuration(name: str) -> Path | None:
    """Returns the file of the recipe of a name; None where it names a file."""
    from dlcv_plugins.commands.recipes.find import file_of

    return file_of(name)
