"""Training in stages: each freezes, compiles, fits and writes checkpoints."""

import logging
import shutil
from functools import partial

import keras
import numpy as np

from dlcv import files
from dlcv.api import Checkpoint, Position, best_row, checkpoints, notifier
from dlcv.errors import DlcvError
from dlcv_plugins.training import averages, batch_normalization, class_weights
from dlcv_plugins.training.callbacks import CheckpointWriter, FiniteLoss, Progress, Recorder
from dlcv_plugins.training.compiling import compile_stage
from dlcv_plugins.training.feed import Feed
from dlcv_plugins.training.freezing import trained_parameters
from dlcv_plugins.training.stage import Stage, Training

logger = logging.getLogger(__name__)


def train(training: Training, checkpoint: Checkpoint | None = None, source: str = "") -> None:
    """Trains all stages, or what is left of them after a checkpoint.

    Args:
        training: The training.
        checkpoint: Where it stopped; None to begin.
        source: What names the checkpoint in errors.

    Raises:
        Interrupted: somebody asked to stop; a checkpoint is written.
        DlcvError: an image can't be read, the loss is no longer finite, or the checkpoint does not
            fit.
    """
    _warn_of_little_space(training)
    variables = training.network.model.variables
    position = checkpoint.position if checkpoint else Position()
    if checkpoint is not None:
        # Also before what is left of a stage, which may keep the output of a frozen body.
        is_within = position.is_within_stage
        weights = checkpoint.of_network(len(variables)) if is_within else checkpoint
        checkpoints.restore(weights, variables, source)
        checkpoint = checkpoint if is_within else None
    for index in range(position.stage, len(training.stages)):
        stage = training.stage(index)
        _log(stage)
        with training.prepare(stage) as prepared:
            steps = _train_stage(prepared, position, checkpoint, source)
        position, checkpoint = Position(stage=index + 1, step=steps), None
        taken = checkpoints.take(variables, position, training.history.rows)
        training.save(taken)


def _warn_of_little_space(training: Training) -> None:
    """Warns where a disk that is nearly full would stop the training after hours."""
    free = shutil.disk_usage(training.folder.parent).free
    if free < training.room:
        logger.warning(
            "the checkpoints may take %s in %s, where %s are free; on a full disk the run "
            "stops where it is, and `dlcv resume` continues it",
            files.shown_size(training.room),
            training.folder,
            files.shown_size(free),
        )


def _train_stage(stage: Stage, start: Position, checkpoint: Checkpoint | None, source: str) -> int:
    """Trains a stage, or what is left of it, and returns how many steps are done then."""
    rates = _compile(stage)
    is_tensorflow = keras.backend.backend() == "tensorflow"
    if is_tensorflow:
        _build_for_tensorflow(stage)
    if checkpoint is not None:
        if not is_tensorflow:
            _build_all(stage)
        stage.restore(checkpoint, source)
    recorder = Recorder(stage, rates, checkpoint.seconds if checkpoint else 0.0)
    writer = CheckpointWriter(stage, recorder, start)

    def stop(*_: object) -> None:
        if stage.is_over:
            stage.model.stop_training = True

    last = stage.settings.last_epoch
    early_stop = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    own = [recorder, averages.ValidateAverages(), *stage.callbacks, early_stop]
    if checkpoint is not None and start.batch:
        # `fit` resets the metrics when an epoch begins; this one goes on in the middle. And the
        # number of batches is fixed when `fit` starts: the rest of an epoch needs its own.
        restorer = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: stage.restore(checkpoint, source)
        )
        _fit(stage, start, start.epoch + 1, [*own, restorer, writer])
    if writer.position.epoch < last and not stage.is_over:
        _fit(stage, writer.position, last, [*own, writer])
    _end(stage)
    batch_normalization.restore(stage.network.model)
    return writer.position.step


def _compile(stage: Stage) -> np.ndarray:
    """Compiles, and returns the learning rate of each step."""
    rates = compile_stage(
        stage.model,
        stage.settings,
        stage.training.schedules[stage.index],
        stage.train.steps_per_epoch,
        stage.training.jit_compile,
    )
    averages.postpone(stage.model.optimizer)
    return rates


def _build_for_tensorflow(stage: Stage) -> None:
    """Makes the variables of optimizer and metrics.

    TensorFlow would make them within the first step, and trace that once more for it.
    """
    model, whole = stage.model, stage.network.model
    model.optimizer.build(model.trainable_variables)
    labels = keras.ops.zeros((1, len(stage.train.images.label_names)))
    model.compute_metrics(None, labels, keras.ops.zeros((1, *whole.output_shape[1:])))
    model.reset_metrics()


def _build_all(stage: Stage) -> None:
    """Makes the variables of optimizer and metrics, which Keras makes when they are used."""
    stage.model.optimizer.build(stage.model.trainable_variables)
    stage.model.test_on_batch(*stage.val.batch(0, 0, stage.val.order(0)))


def _fit(stage: Stage, start: Position, epochs: int, own: list[keras.callbacks.Callback]) -> None:
    steps = stage.train.steps_per_epoch
    progress = Progress(
        images=len(stage.train.images),
        batch_size=stage.train.batch_size,
        epochs=stage.settings.epochs,
        batches_done=start.batch,
    )
    finite = FiniteLoss(start.step, stage.training.folder)
    first = stage.epochs_done * steps + start.batch
    count = (epochs - start.epoch) * steps - start.batch
    val_steps = stage.val.steps_per_epoch
    notify = partial(notifier("dlcv_batch"), stage=stage)
    with (
        Feed(stage.train, first, count, stage.class_weights, notify) as train,
        Feed(stage.val, 0, val_steps) as val,
    ):
        try:
            stage.model.fit(
                train.data(),
                steps_per_epoch=steps - start.batch,
                validation_data=val.data(),
                validation_steps=val_steps,
                initial_epoch=start.epoch,
                epochs=epochs,
                callbacks=[progress, *stage.training.callbacks, finite, *own],
                shuffle=False,
                verbose=0,
            )
        except Exception:
            # What a thread raised comes back from Keras as an error of the back end.
            if error := train.error or val.error:
                raise error from None
            raise
        finally:
            progress.close()


def _end(stage: Stage) -> None:
    """Leaves the network with the weights that the stage leads to."""
    rows, folder = stage.rows, stage.training.folder
    best = int(best_row(rows)["epoch"])
    if not stage.settings.ends_with_best or best == rows[-1]["epoch"]:
        averages.finalize(stage.model)
        return
    try:
        checkpoint, path = checkpoints.load_epoch(folder, best)
    except DlcvError as error:
        logger.warning("the weights stay those of the last epoch: %s", error)
        averages.finalize(stage.model)
        return
    variables = stage.network.model.variables
    checkpoints.restore(checkpoint.of_network(len(variables)), variables, str(path))
    logger.info(
        "%s the weights are those of epoch %d, whose validation loss is lowest",
        f"stopped after epoch {rows[-1]['epoch']};" if stage.is_over else "at the end",
        best,
    )


def _log(stage: Stage) -> None:
    """Logs what is trained, unless it is simply everything."""
    model = stage.network.model
    if stage.title or stage.settings.trainable != "all":
        logger.info(
            "%s%s of %s parameters are trained (%s)",
            f"{stage.title}: " if stage.title else "",
            f"{trained_parameters(model):,}",
            f"{model.count_params():,}",
            stage.settings.trainable,
        )
    if (weights := stage.class_weights) is not None:
        names = stage.train.images.label_names
        logger.info("class weights: %s", class_weights.in_words(weights, names))
