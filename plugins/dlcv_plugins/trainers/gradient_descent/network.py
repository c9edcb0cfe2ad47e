"""Building a network to train, with the weights that it begins with."""

import logging
from typing import TYPE_CHECKING

from dlcv import registry
from dlcv.api import Experiment, RunConfig, backend
from dlcv.errors import DlcvError
from dlcv_plugins.weights.initial_weights import load_into, open_source, refuse_missing

if TYPE_CHECKING:
    from dlcv.api import Network

logger = logging.getLogger(__name__)


def prepare_training(
    config: RunConfig, yielding: list[str]
) -> "tuple[Experiment, Network, dict[str, str]]":
    """Opens the data of a new run, and builds its network with the weights to begin with.

    Whatever can't be trained on shows here, before a directory is made or replaced.

    Args:
        config: The configuration, as it was written.
        yielding: What `Experiment.prepare` takes.

    Returns:
        The experiment, the network, and where its initial weights came from.

    Raises:
        DlcvError: something in the configuration or the data is wrong.
    """
    experiment = Experiment.prepare(config, yielding=yielding, check=_check_settings)
    network, initial = build_new(experiment)
    loader = experiment.loader("train")
    loader.batch(0, 0, loader.order(0))
    return experiment, network, initial


def _check_settings(config: RunConfig) -> None:
    """Checks what needs no data: the weights to begin with, optimizers and losses."""
    if config.initial_weights is not None:
        refuse_missing(config.initial_weights)
    backend.start(config.threads or backend.available_threads())
    from dlcv_plugins.training.compiling import check_stage

    for stage in config.stages:
        check_stage(stage)


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
    architecture = experiment.plugins.architecture
    with open_source(experiment.config.initial_weights, architecture) as source:
        load_into(network, source)
        return network, source.record


def build_for_training(experiment: Experiment) -> "Network":
    """Starts Keras, builds the network, and checks the stages' settings on it.

    Raises:
        DlcvError: the network can't take the images, or a stage's settings do not fit it.
    """
    config = experiment.config
    backend.start(config.threads or 1)
    from dlcv.api import build_parts

    backend.set_seed(config.seed)
    network = build_parts(
        experiment.plugins.architecture,
        experiment.pipeline,
        experiment.input_shape,
        len(experiment.data.label_names),
        config.precision,
    )
    _log_network(experiment, network)
    _check_stages(experiment, network)
    return network


def _check_stages(experiment: Experiment, network: "Network") -> None:
    """Prepares the network for each stage; last for the first, with which training begins."""
    from dlcv_plugins.training.compiling import compile_stage
    from dlcv_plugins.training.freezing import freeze

    is_precise = any(s.batch_statistics == "precise" for s in experiment.config.stages)
    if is_precise and not registry.registry.hooks().dlcv_stage.get_hookimpls():
        raise DlcvError(
            "batch_statistics: no installed package estimates precise statistics; write moving"
        )
    loader = experiment.loader("train")
    stages = zip(experiment.config.stages, experiment.plugins.schedules, strict=True)
    for stage, schedule in reversed(list(stages)):
        freeze(network, stage.trainable)
        steps = loader.with_batch_size(stage.batch_size).steps_per_epoch
        compile_stage(network.model, stage, schedule, steps, experiment.config.jit_compile)


def _log_network(experiment: Experiment, network: "Network") -> None:
    """Logs what is trained on what."""
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
