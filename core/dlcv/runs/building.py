"""The network of a run, ready to be trained."""

import logging
from typing import TYPE_CHECKING

from dlcv import backend
from dlcv.runs.experiment import Experiment

if TYPE_CHECKING:
    from dlcv.training.network import Network

logger = logging.getLogger(__name__)


def build_new(experiment: Experiment) -> tuple["Network", dict[str, str]]:
    """Builds the network of a new run, with the weights that it begins with.

    Returns:
        The network, and where its initial weights came from: nothing, or `path` and `sha256`.

    Raises:
        DlcvError: what `build_for_training` raises, or the weights do not fit.
    """
    network = build_for_training(experiment)
    experiment.plugins.architecture.load_pretrained(network.model)
    if experiment.config.initial_weights is None:
        return network, {}
    from dlcv.training.initial_weights import load_into, open_source

    source = open_source(experiment.config.initial_weights)
    load_into(network, source)
    return network, source.record


def build_for_training(experiment: Experiment) -> "Network":
    """Starts Keras, builds the network, and checks the stages' settings on it.

    Raises:
        DlcvError: the network can't take the images, or a stage's settings do not fit it.
    """
    config = experiment.config
    backend.start(config.threads or 1)
    import keras

    from dlcv.training.network import build_parts

    keras.utils.set_random_seed(config.seed)
    network = build_parts(
        experiment.plugins.architecture,
        experiment.pipeline,
        experiment.input_shape,
        len(experiment.data.label_names),
        config.precision,
    )
    _tell(experiment, network)
    _check_stages(experiment, network)
    return network


def _check_stages(experiment: Experiment, network: "Network") -> None:
    """Prepares the network for each stage; last for the first, with which training begins."""
    from dlcv.training.freezing import freeze
    from dlcv.training.stage import compile_stage

    loader = experiment.loader("train")
    stages = zip(experiment.config.stages, experiment.plugins.schedules, strict=True)
    for stage, schedule in reversed(list(stages)):
        freeze(network, stage.trainable)
        steps = loader.with_batch_size(stage.batch_size).steps_per_epoch
        compile_stage(network.model, stage, schedule, steps)


def _tell(experiment: Experiment, network: "Network") -> None:
    """Says what is trained on what."""
    height, width, channels = experiment.input_shape
    counts = {name: len(images) for name, images in experiment.data.splits.items()}
    logger.info(
        "%s with %s parameters, input %d x %d x %d; %s images",
        experiment.config.architecture.name,
        f"{network.model.count_params():,}",
        height,
        width,
        channels,
        ", ".join(f"{count:,} {name}" for name, count in counts.items()),
    )
