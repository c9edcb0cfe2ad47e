"""Recipes: the configurations of published experiments, which ship with dlcv."""

import logging
import os
from pathlib import Path

import attrs

from dlcv.config import RecipeConfig, RunConfig, read_toml
from dlcv.errors import DlcvError, suggestion

logger = logging.getLogger(__name__)
ENDING = ".toml"


@attrs.frozen
class Recipe:
    """A recipe.

    Attributes:
        name: How `--config` names it.
        path: Its file.
        about: What it tells about the experiment.
    """

    name: str
    path: Path
    about: RecipeConfig


def recipes() -> list[Recipe]:
    """Returns all recipes, sorted by name."""
    return [_read(path) for _, path in sorted(_paths().items())]


def find_recipe(name: str) -> Recipe:
    """Returns a recipe by its name; raises `DlcvError` if there is none."""
    paths = _paths()
    if name not in paths:
        raise DlcvError(f'no recipe "{name}"{_hint(name)}')
    return _read(paths[name])


def load_config(config: str | os.PathLike[str]) -> RunConfig:
    """Reads a configuration file, or a recipe that a text names.

    A recipe's name wins over a file of the same name; `./name` is the file.

    Raises:
        DlcvError: there is neither, or something in it is wrong.
    """
    if config in _paths():
        recipe = find_recipe(os.fspath(config))
        logger.info(
            "recipe %s: %s reports %s", recipe.name, recipe.about.source, recipe.about.reported
        )
    return RunConfig.load(_path(config))


def require_data(config: str | os.PathLike[str], data: str) -> None:
    """Raises a `DlcvError` if the data of a recipe is not where the recipe has it."""
    wanted = _read(_path(config)).about.data
    if wanted and not Path(data).expanduser().exists():
        raise DlcvError(f"{config} wants {wanted}; {data} is not here, so name yours with --data")


def _path(config: str | os.PathLike[str]) -> Path:
    """Returns the file of a recipe that a text names, or that of a configuration."""
    if config in _paths():
        return _paths()[os.fspath(config)]
    looks_like_file = os.fspath(config) != Path(config).stem
    if looks_like_file or Path(config).exists():
        return Path(config)
    raise DlcvError(f"no such file or recipe: {config}{_hint(os.fspath(config))}")


def _read(path: Path) -> Recipe:
    return Recipe(path.stem, path, RecipeConfig.of(read_toml(path), str(path)))


def _paths() -> dict[str, Path]:
    return {path.stem: path for path in _folder().glob(f"*{ENDING}")}


def _hint(name: str) -> str:
    return suggestion(name, _paths()) or "; `dlcv recipes` lists the recipes"


def _folder() -> Path:
    """Returns where the recipes are: in the package, or beside it where dlcv runs from its source.

    The packaging takes them from `examples/recipes`, where people find them.
    """
    package = Path(__file__).parents[1]
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parents[1] / "examples" / "recipes"
