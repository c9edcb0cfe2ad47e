"""Training and resuming runs: from a configuration to a directory with everything in it."""

import logging
import os
from pathlib import Path
from typing import Any, Unpack

from dlcv.config import SPLIT_OPTIONS, RunConfig
from dlcv.interfaces import Plugin
from dlcv.registry import registry
from dlcv.registry.spec import Spec
from dlcv.runs.directory import RunDirectory
from dlcv.runs.named_config import load_config, log_named
from dlcv.runs.observers import Observers, hooked
from dlcv.runs.plugin_versions import naming_packages, recorded
from dlcv.runs.run_options import RunOptions, StageOptions
from dlcv.runs.trained import Trained
from dlcv.runs.trainers import trainer_of

logger = logging.getLogger(__name__)


def run(
    config: RunConfig | str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    force: bool = False,
    **options: Unpack[RunOptions],
) -> Trained:
    """Trains a network and returns the run; with `members=5`, five of them, and the ensemble.

    Args:
        config: A configuration, the path of one, or a recipe's name; the defaults if left out.
        name: The run's name, a directory below `runs`; by default one is made up.
        runs: The folder of all runs.
        force: Whether a run of that name may be replaced.
        options: Options of `RunConfig`, and of its only stage, such as `architecture="resnet"`,
            `preprocessors="mean, patch"`, `epochs=5`; they override those of `config`. Plugins
            may be given as text or as made instances. With other `data` than that of `config`,
            its division is left out where the data is divided already.

    Returns:
        The run. After ctrl+c or SIGTERM it has a `stopped_by`, and `dlcv.resume` continues it.

    Raises:
        DlcvError: something in the configuration or the data is wrong; nothing is written then.
    """
    config, yielding = configured(config, dict(options))
    config = hooked(config)
    Observers(config).require()
    trainer = trainer_of(config)
    trained: Trained = trainer.train(
        config, name=name, runs=Path(runs), force=force, yielding=yielding
    )
    return trained


def resume(
    path: str | os.PathLike[str], *, from_epoch: int | None = None, **options: Unpack[StageOptions]
) -> Trained:
    """Continues a run, to the same end as if it had not been stopped, or with other settings.

    Args:
        path: The run's directory.
        from_epoch: The epoch to go back to, of which a checkpoint is kept; what came after it is
            lost. Only with `options`.
        options: Options of a new stage that follows what is trained so far, such as
            `learning_rate=0.001` or `epochs=10`; what is left out is as in the stage before.
            Without any, an interrupted run continues as it was, and a finished one gets the files
            that it lacks. Members take options one by one.

    Raises:
        DlcvError: there is no run, its data changed, an option is wrong, or there is no checkpoint
            of that epoch.
    """
    directory = RunDirectory.existing(path)
    changes = {name: _as_text(value) for name, value in options.items() if value is not None}
    if directory.replaced.exists():
        logger.info(
            "the run that it replaces is kept until its first epoch: %s", directory.replaced
        )
    with naming_packages(recorded([directory.path])):
        trainer = trainer_of(RunConfig.load(directory.config))
        trained: Trained = trainer.resume(directory.path, from_epoch=from_epoch, changes=changes)
    return trained


def configured(
    config: RunConfig | str | os.PathLike[str] | None, options: dict[str, object]
) -> tuple[RunConfig, list[str]]:
    """Returns a configuration with options changed, and what of its division yields to the data's.

    Args:
        config: What `run` takes.
        options: What `run` takes.
    """
    source = "" if isinstance(config, RunConfig) else config
    if config is None:
        config = RunConfig.from_options(**{name: _as_text(v) for name, v in options.items()})
    elif not isinstance(config, RunConfig):
        config = load_config(config, needs_data=options.get("data") is None)
    options = {name: _as_text(value) for name, value in options.items()}
    if isinstance(options.get("data"), Spec):
        options["data"] = str(options["data"])
    # A configuration describes the division of its own data.
    has_other_data = options.get("data") not in (None, config.data)
    yielding = [o for o in SPLIT_OPTIONS if has_other_data and options.get(o) is None]
    config = config.with_options(**options)
    if source:
        log_named(config, source)
    return config, yielding


def _as_text(value: Any) -> Any:
    """Returns instances as the specs that make them, so that the run can be repeated."""
    if isinstance(value, Plugin):
        return registry.spec_of(value)
    if isinstance(value, list | tuple):
        return [_as_text(v) for v in value]
    return str(value) if isinstance(value, Path) else value
