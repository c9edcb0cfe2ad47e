"""Stages of gradient descent: how a run learns unless another trainer claims it."""

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import files
from dlcv.api import (
    Experiment,
    Observers,
    Run,
    RunConfig,
    RunDirectory,
    backend,
    new_directory,
    predict_labelled,
    write_record,
    write_results,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination, Trainer, option, plugin
from dlcv_plugins.devices.processes import own_copy, taking_part
from dlcv_plugins.drawings.epochs import draw_curves
from dlcv_plugins.executors.current import executor
from dlcv_plugins.groupings.training_copies import copies_in_training
from dlcv_plugins.trainers.changes import compare_with_record
from dlcv_plugins.trainers.completion import log_finished, write_missing
from dlcv_plugins.trainers.gradient_descent.accuracies import measured_accuracies
from dlcv_plugins.trainers.gradient_descent.continuation import Continuation
from dlcv_plugins.trainers.gradient_descent.network import (
    build_for_training,
    build_new,
    prepare_training,
)
from dlcv_plugins.trainers.held_out import HELP, HeldOut, seen
from dlcv_plugins.trainers.names import default_name

if TYPE_CHECKING:
    import numpy as np

    from dlcv.api import Network

logger = logging.getLogger(__name__)


@plugin
class GradientDescent(Trainer):
    """Trains one network in stages of gradient descent."""

    held_out: HeldOut = option("test", help=HELP)

    def train(
        self, config: RunConfig, *, name: str | None, runs: Path, force: bool, yielding: list[str]
    ) -> Run:
        """Trains a new network.

        Raises:
            DlcvError: the configuration is one of another trainer's, or can't be trained.
        """
        if config.classifier is not None or config.members > 1:
            asked = "members" if config.classifier is None else "classifier"
            raise DlcvError(
                f"the trainer that is named trains one network in stages; remove it, or {asked}"
            )
        if executor().is_elsewhere:
            logger.warning("one network is trained here; --on has members trained side by side")
        RunDirectory.refuse_existing(runs, name, force=force)
        with taking_part(runs, config) as own:
            experiment, network, initial = prepare_training(config, yielding)
            called = default_name(experiment.config)
            write = functools.partial(write_record, experiment, network, initial)
            with new_directory(own, name, called, write, force=force) as directory:
                return _train(directory, seen(experiment), network, resumed=False)

    def resume(self, path: Path, *, from_epoch: int | None, changes: dict[str, object]) -> Run:
        """Continues with the stages that are left, or with a new one."""
        if not changes and from_epoch is not None:
            raise DlcvError(
                f"resuming from epoch {from_epoch} would repeat the same training; change an "
                "option, such as --learning-rate"
            )
        config, asked = Run(RunDirectory(path)).config, {**changes, "from_epoch": from_epoch}
        with taking_part(path.parent, config, asked) as folder:
            run = Run(RunDirectory(own_copy(path, folder)))
            if not changes and run.finished:
                return _complete(run)
            backend.start(run.config.threads or 1)
            with run.directory.lock():
                return _resume(run, from_epoch, changes)

    def load(self, path: Path, *, checkpoint: str | int, method: Combination | None) -> Run:
        """Opens the run of one network, which has nothing to combine."""
        return Run(RunDirectory(path), checkpoint=checkpoint)

    def summary(self, run: Run) -> list[str]:
        """Returns how long it was trained, and the validation accuracy of its weights."""
        epochs = "1 epoch" if len(run.history) == 1 else f"{len(run.history)} epochs"
        seconds = run.directory.read_json("metrics")["training_seconds"]
        last = run.trained_row
        epoch = "the last epoch" if last == run.history[-1] else f"epoch {last['epoch']}, the best"
        return [
            f"trained   {epochs} in {seconds:.0f} s",
            f"validated {100 * last['val_accuracy']:.2f} % accuracy after {epoch}",
        ]


def train_into(directory: RunDirectory, experiment: Experiment) -> Run:
    """Trains a network into a directory that exists, or continues where it was stopped.

    Args:
        directory: The directory, in which nobody else trains: empty, or one of a run.
        experiment: What to train, if nothing is recorded in the directory so far.

    Raises:
        DlcvError: the network can't be trained, or the data changed since it began.
    """
    if directory.is_begun:
        return GradientDescent().resume(directory.path, from_epoch=None, changes={})
    network, initial = build_new(experiment)
    with directory.lock():
        write_record(experiment, network, initial, directory)
        return _train(directory, experiment, network, resumed=False)


def remove_leftovers(directory: RunDirectory) -> None:
    """Removes what killed processes left; raises `DlcvError` where that may be another's folder."""
    if directory.checkpoints.is_symlink():
        raise DlcvError(
            f"{directory.checkpoints} is a link, so what is removed there may not be the run's; "
            "move the folder itself to this place"
        )
    for folder in (directory.path, directory.checkpoints):
        files.sweep(folder)


def _resume(run: Run, from_epoch: int | None, changes: dict[str, object]) -> Run:
    """Continues a run, whose directory is locked."""
    directory = run.directory
    remove_leftovers(directory)
    plan = Continuation.plan(run, from_epoch, changes) if changes else None
    config = plan.config if plan else run.config
    experiment = Experiment.reopen(config, run.pipeline, run.groups)
    # As long as there is no checkpoint, the weights to begin with are needed again.
    has_weights = directory.has_checkpoint
    network = build_for_training(experiment) if has_weights else build_new(experiment)[0]
    environment = compare_with_record(directory.read_json("environment"), experiment)
    if plan:
        plan.begin(directory, environment)
        plan.log()
    return _train(directory, seen(experiment), network, resumed=True)


def _train(
    directory: RunDirectory, experiment: Experiment, network: "Network", *, resumed: bool
) -> Run:
    """Trains what is left to train, then evaluates and writes the rest of the directory."""
    run = Run(directory, network.model)
    run.data = experiment.data
    observers = Observers(experiment.config)
    has_copy = copies_in_training(experiment)
    with observers.following(run):
        _train_stages(run, experiment, network, observers, resumed=resumed)
        if not run.stopped_by:
            _finish(run, experiment, network.model, has_copy)
            observers.finished(run)
    return run


def _train_stages(
    run: Run,
    experiment: Experiment,
    network: "Network",
    observers: Observers,
    *,
    resumed: bool,
) -> None:
    """Trains the stages that are left; a signal is noted in the run."""
    import keras

    from dlcv.api import History, checkpoints
    from dlcv_plugins.training.agreement import SameFigures, agreed
    from dlcv_plugins.training.interruption import Interrupted, deferred_signals
    from dlcv_plugins.training.stage import Training
    from dlcv_plugins.training.train import train

    directory = run.directory
    found = checkpoints.load_newest(directory.checkpoints) if resumed else None
    checkpoint, source = found or (None, Path())
    history = History(
        directory.path,
        list(checkpoint.history) if checkpoint else [],
        draw=draw_curves,
        observe=functools.partial(observers.epoch, run),
    )
    history.write()
    settling = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: directory.settle())
    with deferred_signals() as asked:
        training = Training(
            network=network,
            stages=experiment.config.stages,
            schedules=experiment.plugins.schedules,
            train=experiment.loader("train"),
            val=experiment.loader("val"),
            folder=directory.checkpoints,
            history=history,
            callbacks=[SameFigures(), *observers.callbacks(run), settling],
            checkpoint_every=experiment.config.checkpoint_every,
            keep_checkpoints=experiment.config.keep_checkpoints,
            asked=agreed(asked),
            jit_compile=experiment.config.jit_compile,
            prepare=observers.prepared,
        )
        try:
            train(training, checkpoint, str(source))
        except Interrupted as stop:
            run.stopped_by = stop.signal
        except KeyboardInterrupt:
            if directory.has_checkpoint:
                logger.warning(
                    "stopped at once; `dlcv resume %s` continues from the last checkpoint",
                    directory.whole.path,
                )
            raise
        finally:
            training.history.draw()
            directory.settle()


def _finish(run: Run, experiment: Experiment, model: Any, has_copy: "np.ndarray | None") -> None:
    """Evaluates on held-out images, and writes model, predictions, metrics and report."""
    predictions = predict_labelled(model, experiment.loader(experiment.held_out))
    predictions = attrs.evolve(predictions, has_copy=has_copy)
    _write_model(run.directory, model)
    run.results = write_results(
        run.directory,
        predictions,
        experiment.plugins.evaluators,
        split=experiment.held_out,
        seconds=sum(row["seconds"] for row in run.history),
        accuracies=measured_accuracies(experiment, model),
    )


def _complete(run: Run) -> Run:
    """Writes the files that a finished run lacks: whoever wrote them was killed."""
    with run.directory.lock():
        has_model = run.directory.model.exists()
        if not has_model:
            _write_model(run.directory, run.model)
        written = write_missing(run)
        log_finished(run, written if has_model else [run.directory.model.name, *written])
    return run


def _write_model(directory: RunDirectory, model: Any) -> None:
    """Writes the network without optimizer and loss, so that anyone can load it."""
    import keras

    with files.atomic_path(directory.model) as temporary:
        keras.Model(model.inputs, model.outputs, name=model.name).save(temporary)
