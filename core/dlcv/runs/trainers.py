"""Which trainer a run's configuration asks for."""

import logging

from dlcv import registry
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, PluginError
from dlcv.interfaces import Trainer
from dlcv.registry.defaults import default

logger = logging.getLogger(__name__)


def trainer_of(config: RunConfig) -> Trainer:
    """Returns a configuration's trainer: the one named, the one that claims it, or the default.

    Raises:
        DlcvError: the trainer that is named can't be made, several claim the configuration, or it
            needs one that is not installed.
    """
    if config.trainer is not None:
        return registry.create("trainer", config.trainer)
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
    return registry.create("trainer", claiming[0] if claiming else default("trainer"))


def _usable() -> dict[str, type[Trainer]]:
    """Returns the trainers that can be imported, by name; a broken one is a warning."""
    classes: dict[str, type[Trainer]] = {}
    for name in registry.names("trainer"):
        try:
            classes[name] = registry.get("trainer", name)
        except PluginError as error:
            logger.warning("%s", error)
    return classes
