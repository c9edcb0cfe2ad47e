"""Which trainer a run's configuration asks for, and the runs that it loads."""

import logging
import os

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, PluginError
from dlcv.interfaces import Combination, Trainer
from dlcv.registry.defaults import default
from dlcv.runs.directory import RunDirectory
from dlcv.runs.predictor import Predictor
from dlcv.runs.run import Run

logger = logging.getLogger(__name__)


def trainer_of(config: RunConfig) -> Trainer:
    """Returns a configuration's trainer: the one named, the one that claims it, or the default.

    Raises:
        DlcvError: the trainer that is named can't be made, several claim the configuration, or it
            needs one that is not installed.
    """
    if config.trainer is not None:
        named: Trainer = registry.create("trainer", config.trainer)
        return named
    claiming = [name for name, cls in _usable().items() if cls.claims(config)]
    if len(claiming) > 1:
        raise DlcvError(
            f"the trainers {' and '.join(claiming)} both claim this configuration; name one of "
            f'them: trainer = "{claiming[0]}"'
        )
    if not claiming and (config.classifier is not None or config.members > 1):
        asked = f"members = {config.members}" if config.classifier is None else "a classifier"
        raise DlcvError(
            f"no trainer that can be used takes {asked}; `dlcv plugins list trainer` lists them"
        )
    chosen: Trainer = registry.create("trainer", claiming[0] if claiming else default("trainer"))
    return chosen


def load_trained(
    path: str | os.PathLike[str],
    checkpoint: str | int = "last",
    method: Combination | None = None,
) -> Predictor:
    """Loads what a run trained: a `Run`, or what predicts by several members together.

    Args:
        path: The run's directory.
        checkpoint: What `load_run` takes.
        method: How members are combined; None for what the run was evaluated with.

    Raises:
        DlcvError: there is no run, or a member of it is not finished.
    """
    directory = RunDirectory.existing(path)
    trainer = trainer_of(RunConfig.load(directory.config))
    loaded: Predictor = trainer.load(directory.path, checkpoint=checkpoint, method=method)
    return loaded


def load_run(path: str | os.PathLike[str], *, checkpoint: str | int = "last") -> Run:
    """Loads a single run from its directory.

    Args:
        path: The directory.
        checkpoint: Whose weights are used: `last`, `best` for the lowest validation loss, or the
            number of an epoch. Whether there is such a checkpoint shows when the network is used.

    Raises:
        DlcvError: there is no run, or it has several members.
    """
    loaded = load_trained(path, checkpoint)
    if isinstance(loaded, Run):
        return loaded
    raise DlcvError(
        f"{path} has {len(loaded.members)} members; name one of them: {loaded.members[0].path}"
    )


def _usable() -> dict[str, type[Trainer]]:
    """Returns the trainers that can be imported, by name; a broken one is a warning."""
    classes: dict[str, type[Trainer]] = {}
    for name in registry.names("trainer"):
        try:
            classes[name] = registry.get("trainer", name)
        except PluginError as error:
            logger.warning("%s", error)
    return classes
