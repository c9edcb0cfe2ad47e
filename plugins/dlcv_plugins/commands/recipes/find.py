"""Recipes: the configurations of published experiments, which packages ship as TOML files."""

import functools
import logging
from pathlib import Path

import attrs

from dlcv.api import RecipeConfig, enabled_entry_points, read_toml
from dlcv.errors import DlcvError, first_line, suggestion

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

    @property
    def figure(self) -> str:
        """The figure measured here alone, without on what and how long."""
        return self.about.measured.partition(";")[0]


def recipes() -> list[Recipe]:
    """Returns all recipes, sorted by name."""
    return [_read(path) for _, paths in sorted(_paths().items()) for path in paths]


def find_recipe(name: str) -> Recipe:
    """Returns a recipe by its name; raises `DlcvError` if there is none, or more than one."""
    paths = _paths().get(name, [])
    if not paths:
        raise DlcvError(f'no recipe "{name}"{_hint(name)}')
    if len(paths) > 1:
        named = " and ".join(map(str, paths))
        raise DlcvError(f'there are two recipes "{name}": {named}; name the file of one')
    return _read(paths[0])


def file_of(name: str) -> Path | None:
    """Returns the file of the recipe that a text names; None if it names a file.

    A recipe's name wins over a file of the same name; `./name` is the file.

    Raises:
        DlcvError: there is neither.
    """
    if name in _paths():
        recipe = find_recipe(name)
        about = recipe.about
        logger.info("recipe %s: %s reports %s", name, about.source, about.reported)
        return recipe.path
    looks_like_file = name != Path(name).stem
    if looks_like_file or Path(name).exists():
        return None
    raise DlcvError(f"no such file or recipe: {name}{_hint(name)}")


def _read(path: Path) -> Recipe:
    return Recipe(path.stem, path, RecipeConfig.of(read_toml(path), str(path)))


def _paths() -> dict[str, list[Path]]:
    """Returns the recipes' files by name; several where packages have a recipe of one name."""
    paths: dict[str, list[Path]] = {}
    for folder in dict.fromkeys(_folders()):
        for path in folder.glob(f"*{ENDING}"):
            paths.setdefault(path.stem, []).append(path)
    return paths


def _hint(name: str) -> str:
    return suggestion(name, _paths()) or "; `dlcv recipes` lists the recipes"


@functools.cache
def _folders() -> tuple[Path, ...]:
    """Returns the folders of the packages that the entry-point group `dlcv.recipes` names."""
    folders: list[Path] = []
    for entry_point in enabled_entry_points("dlcv.recipes"):
        try:
            package = entry_point.load()
            folders += map(Path, package.__path__)
        except Exception as error:
            owner = entry_point.dist.name if entry_point.dist else entry_point.value
            logger.warning("the recipes of %s are broken: %s", owner, first_line(error))
    return tuple(folders)
