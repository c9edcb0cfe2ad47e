"""Training a run: from a configuration to a directory with everything in it."""

import logging
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcv import backend, files
from dlcv.config import SPLIT_OPTIONS, RunConfig
from dlcv.data.sources import find_store
from dlcv.data.states import states_of
from dlcv.errors import DlcvError
from dlcv.evaluation.evaluate import as_json, evaluate
from dlcv.evaluation.predict import predict_labelled, save_predictions
from dlcv.interfaces import Plugin
from dlcv.registry import registry
from dlcv.registry.spec import Spec
from dlcv.report.write import report_finished
from dlcv.runs import hook_calls, tensorboard
from dlcv.runs.building import build_for_training, build_new
from dlcv.runs.continuation import Continuation
from dlcv.runs.directory import RunDirectory
from dlcv.runs.ensemble import TrainedEnsemble, unfinished
from dlcv.runs.experiment import Experiment
from dlcv.runs.members import refuse_changes, train_members, with_ensemble
from dlcv.runs.recipes import load_config, require_data
from dlcv.runs.run import Run

if TYPE_CHECKING:
    from dlcv.training.network import Network

logger = logging.getLogger(__name__)


def run(
    config: RunConfig | str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    force: bool = False,
    **options: Any,
) -> Run | TrainedEnsemble:
    """Trains a network and returns the run; with `members=5`, five of them, and the ensemble.

    Args:
        config: A configuration, the path of one, or a recipe's name; the defaults if left out.
        name: The run's name, a directory below `runs`; by default one is made up.
        runs: The folder of all runs.
        force: Whether a run of that name may be replaced.
        options: Options of `RunConfig`, and of its only stage, such as `architecture="resnet"`,
            `preprocessors="mean, patch"`, `epochs=5`; they go before those of `config`. Plugins
            may be given as text or as made instances. With other `data` than that of `config`,
            its division is left out where the data is divided already.

    Returns:
        The run. After ctrl+c or SIGTERM it has a `stopped_by`, and `dlcv.resume` goes on with it.

    Raises:
        DlcvError: something in the configuration or the data is wrong; nothing is written then.
    """
    config, yielding = configured(config, options)
    config = with_ensemble(config) if config.members > 1 else config
    if config.classifier is not None:
        from dlcv.feature_transfer.steps import run_transfer

        return run_transfer(config, yielding, name, Path(runs), force=force)
    RunDirectory.refuse_existing(Path(runs), name, force=force)
    tensorboard.require(config)
    experiment = Experiment.prepare(config, yielding=yielding)
    network, initial = build_new(experiment)
    # What can't be trained on shows before a directory is made, or an old one is replaced.
    loader = experiment.loader("train")
    loader.batch(0, 0, loader.order(0))
    default_name = f"{experiment.config.architecture.name}-{data_name(experiment.config)}"
    directory = RunDirectory.create(Path(runs), name, default_name, force=force)
    with directory.lock():
        before = directory.point_latest_here()
        try:
            _record(directory, experiment, network, initial)
            if config.members > 1:
                del network  # Each member builds its own.
                return train_members(directory, experiment, _train_member)
            return _train(directory, experiment, network, resumed=False)
        except BaseException:
            if not directory.has_checkpoint:
                directory.discard(before)
            raise


def configured(
    config: RunConfig | str | os.PathLike[str] | None, options: dict[str, Any]
) -> tuple[RunConfig, list[str]]:
    """Returns a configuration with options changed, and what of its division yields to the data's.

    Args:
        config: What `run` takes.
        options: What `run` takes.
    """
    if config is None:
        config = RunConfig()
    elif not isinstance(config, RunConfig):
        path, config = config, load_config(config)
        if options.get("data") is None:
            require_data(path, config.data)
    options = {name: _as_text(value) for name, value in options.items()}
    if isinstance(options.get("data"), Spec):
        options["data"] = str(options["data"])
    # What a configuration says of the division is said of its own data.
    has_other_data = options.get("data") not in (None, config.data)
    yielding = [o for o in SPLIT_OPTIONS if has_other_data and options.get(o) is None]
    return config.with_options(**options), yielding


def resume(
    path: str | os.PathLike[str], *, from_epoch: int | None = None, **options: Any
) -> Run | TrainedEnsemble:
    """Goes on with a run, to the same end as if it had not been stopped, or with other settings.

    Args:
        path: The run's directory.
        from_epoch: The epoch to go back to, of which a checkpoint is kept; what came after it is
            lost. Only with `options`.
        options: Options of a new stage that follows what is trained so far, such as
            `learning_rate=0.001` or `epochs=10`; what is left out is as in the stage before.
            Without any, an interrupted run goes on as it was. Members take them one by one.

    Raises:
        DlcvError: there is no run, it is finished and there are no options, its data changed, an
            option is wrong, or there is no checkpoint of that epoch.
    """
    directory = RunDirectory.existing(path)
    run = Run(directory)
    _refuse_fitted(run, path)
    changes = {name: _as_text(value) for name, value in options.items() if value is not None}
    if run.config.members > 1:
        if changes or from_epoch is not None:
            refuse_changes(run)
        return _resume_members(run)
    if not changes and from_epoch is not None:
        raise DlcvError(
            f"from epoch {from_epoch} the run would come to the same end again; say what is to be "
            "other, such as --learning-rate"
        )
    if not changes and run.finished:
        raise DlcvError(
            f"{path} is finished; there is nothing to go on with; --epochs trains it for longer"
        )
    backend.start(run.config.threads or 1)
    from dlcv.runs.record import compare

    with directory.lock():
        for folder in (directory.path, directory.checkpoints):
            files.sweep(folder)
        plan = Continuation.plan(run, from_epoch, changes) if changes else None
        experiment = Experiment.reopen(plan.config if plan else run.config, run.pipeline)
        # As long as there is no checkpoint, the weights to begin with are needed again.
        has_weights = directory.has_checkpoint
        network = build_for_training(experiment) if has_weights else build_new(experiment)[0]
        environment = compare(directory.read_json("environment"), experiment)
        if plan:
            plan.begin(directory, environment)
            plan.tell()
        return _train(directory, experiment, network, resumed=True)


def _resume_members(run: Run) -> TrainedEnsemble:
    """Goes on with the members of a run that are not finished, and combines all."""
    directory = run.directory
    if run.finished and not unfinished(directory, run.config.members):
        raise DlcvError(f"{run.path} is finished; there is nothing to go on with")
    backend.start(run.config.threads or 1)
    from dlcv.runs.record import compare

    with directory.lock():
        files.sweep(directory.path)
        experiment = Experiment.reopen(run.config, run.pipeline)
        compare(directory.read_json("environment"), experiment)
        return train_members(directory, experiment, _train_member)


def _refuse_fitted(run: Run, path: str | os.PathLike[str]) -> None:
    """Raises a `DlcvError` if a run has a classifier that was fitted, and so no epochs."""
    if run.config.classifier is not None:
        raise DlcvError(
            f"{path} has a fitted classifier, which no epochs go on with; train all of its network "
            f"with: dlcv run --data DATA --arch {shlex.quote(str(run.config.architecture))} "
            f"--initial-weights {shlex.quote(str(path))}"
        )


def _train_member(directory: RunDirectory, experiment: Experiment) -> Run:
    """Trains a member, or goes on with one that has begun, with the settings that it has now."""
    if directory.is_begun:
        run = resume(directory.path)
        assert isinstance(run, Run)
        return run
    network, initial = build_new(experiment)
    with directory.lock():
        _record(directory, experiment, network, initial)
        return _train(directory, experiment, network, resumed=False)


def _record(
    directory: RunDirectory, experiment: Experiment, network: "Network", initial: dict[str, str]
) -> None:
    """Writes what is known before training."""
    from dlcv.runs.record import environment

    files.write_atomically(directory.config, experiment.config.to_toml())
    directory.write_json("labels", experiment.data.label_names)
    parameters = {"parameters": network.model.count_params()}
    weights = {"initial_weights": initial} if initial else {}
    directory.write_json("environment", {**environment(experiment), **parameters, **weights})
    files.save_arrays(directory.preprocessing, states_of(experiment.pipeline.steps))


def _train(
    directory: RunDirectory, experiment: Experiment, network: "Network", *, resumed: bool
) -> Run:
    """Trains what is left to train, then evaluates and writes the rest of the directory."""
    import keras

    from dlcv.training import checkpoints
    from dlcv.training.history import History
    from dlcv.training.interruption import Interrupted, deferred_signals
    from dlcv.training.stages import Training

    found = checkpoints.load_newest(directory.checkpoints) if resumed else None
    checkpoint, source = found or (None, Path())
    history = History(directory.path, list(checkpoint.history) if checkpoint else [])
    history.write()
    run = Run(directory, network.model)
    hook_calls.started(run)
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
            callbacks=[*hook_calls.callbacks(run), settling],
            checkpoint_every=experiment.config.checkpoint_every,
            asked=asked,
            jit_compile=experiment.config.jit_compile,
        )
        try:
            training.run(checkpoint, str(source))
        except Interrupted as stop:
            run.stopped_by = stop.signal
            return run
        except KeyboardInterrupt:
            if directory.has_checkpoint:
                logger.warning(
                    "stopped at once; `dlcv resume %s` goes on from the last checkpoint",
                    directory.whole.path,
                )
            raise
        finally:
            training.history.draw()
            directory.settle()
    _finish(run, experiment, network.model)
    hook_calls.finished(run)
    return run


def _finish(run: Run, experiment: Experiment, model: Any) -> None:
    """Evaluates on held-out images and writes model, predictions, metrics and report."""
    predictions = predict_labelled(model, experiment.loader(experiment.held_out))
    save_predictions(run.directory.predictions, predictions)
    with files.atomic_path(run.directory.model) as temporary:
        _uncompiled(model).save(temporary)
    evaluation = evaluate(predictions, list(experiment.plugins.evaluators))
    content = {
        "split": experiment.held_out,
        "images": len(predictions.labels),
        "training_seconds": round(sum(row["seconds"] for row in run.history), 1),
        **as_json(evaluation),
    }
    run.directory.write_json("metrics", content)
    report_finished(run, experiment.data)


def _uncompiled(model: Any) -> Any:
    """Returns the same network without optimizer and loss, so that anyone can load it."""
    import keras

    return keras.Model(model.inputs, model.outputs, name=model.name)


def data_name(config: RunConfig) -> str:
    """Returns a short name for the data of a run: its folder's or its store's."""
    paths = [v for v in find_store(config.data).options().values() if isinstance(v, Path)]
    return paths[0].stem if paths else config.data.partition("(")[0]


def _as_text(value: Any) -> Any:
    """Returns instances as the specs that make them, so that the run can be repeated."""
    if isinstance(value, Plugin):
        return registry.spec_of(value)
    if isinstance(value, list | tuple):
        return [_as_text(v) for v in value]
    return str(value) if isinstance(value, Path) else value
