"""Recipes: the configurations of published experiments, which packages ship as TOML files."""

import functools
import logging
import os
from pathlib import Path

import attrs

from dlcv.config import RecipeConfig, RunConfig, read_toml
from dlcv.errors import DlcvError, first_line, suggestion
from dlcv.packages import entry_points, is_disabled, origin

logger = logging.getLogger(__name__)
ENDING = ".toml"


@attrs.frozen
class Recipe:
    """A recipe.

    Attributes:
        name: How `--config` names it.
        path: Its file.
        about: What it states about the experiment.
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
        raise DlcvError(
            f"{config} needs {wanted}, and {data} does not exist; name yours with --data"
        )


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
    """Returns the recipes' files by name.

    Raises:
        DlcvError: two packages have a recipe of one name.
    """
    paths: dict[str, Path] = {}
    for folder in _folders():
        for path in folder.glob(f"*{ENDING}"):
            if (other := paths.setdefault(path.stem, path)) != path:
                raise DlcvError(
                    f'there are two recipes "{path.stem}": {other} and {path}; rename one of them'
                )
    return paths


def _hint(name: str) -> str:
    return suggestion(name, _paths()) or "; `dlcv recipes` lists the recipes"


@functools.cache
def _folders() -> tuple[Path, ...]:
    """Returns the folders of the packages that the entry-point group `dlcv.recipes` names."""
    folders: list[Path] = []
    for entry_point in entry_points("dlcv.recipes"):
        distribution = origin(entry_point)[0]
        if is_disabled(entry_point.name, distribution, f"recipes:{entry_point.name}"):
            continue
        try:
            package = entry_point.load()
            folders += map(Path, package.__path__)
        except Exception as error:
            logger.warning("the recipes of %s are broken: %s", distribution, first_line(error))
    return tuple(folders)
