"""Building the network of a run: to be trained, or with the weights and statistics it learned."""

import logging
from typing import TYPE_CHECKING

import numpy as np

from dlcv import backend, registry
from dlcv.data.pipeline import Pipeline, with_states
from dlcv.errors import DlcvError
from dlcv.files import load_arrays
from dlcv.runs.experiment import Experiment
from dlcv.runs.plugin_versions import naming_packages
from dlcv.runs.trained import TrainedNetwork

if TYPE_CHECKING:
    import keras

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
    _log_network(experiment, network)
    _check_stages(experiment, network)
    return network


def restored_pipeline(run: TrainedNetwork) -> Pipeline:
    """Returns a run's preprocessors with what they learned; raises `DlcvError` if they can't be."""
    path, shape = run.directory.preprocessing, run.input_shape
    with naming_packages(run.plugin_versions):
        made = registry.create_list("preprocessor", run.config.preprocessors)
    arrays = load_arrays(path)
    try:
        pipeline = Pipeline.of(with_states(made, arrays)).with_sizes(shape[:2])
        given = pipeline.values(np.zeros((1, *shape), np.uint8)).shape[1:]
    except Exception as error:
        # What a step raises about state that is not its own is up to the step.
        raise DlcvError(f"{path} does not fit the run's preprocessors: {error!r}") from error
    if given != shape:
        raise DlcvError(f"{path} is damaged: it makes images of shape {given} from {shape}")
    return pipeline


def restored_network(run: TrainedNetwork, precision: str) -> "keras.Model":
    """Builds a run's network from its configuration, with the weights of the run's checkpoint.

    Args:
        run: The run.
        precision: A Keras dtype policy's name; weights are the same for all of them.

    Raises:
        DlcvError: there is no checkpoint, or it does not fit.
    """
    backend.start(run.threads)
    from dlcv.training import checkpoints
    from dlcv.training.network import build_network

    found = checkpoints.load_chosen(
        run.directory.checkpoints, run.checkpoint, is_finished=run.finished
    )
    if found is None:
        raise DlcvError(f"{run.path} has no checkpoint yet, so there is no network to use")
    checkpoint, path = found
    with naming_packages(run.plugin_versions):
        architecture = registry.create("architecture", run.config.architecture)
    network = build_network(
        architecture, run.pipeline, run.input_shape, len(run.label_names), precision
    )
    # A checkpoint within a stage holds optimizer and metrics after the network's variables.
    used = checkpoint.of_network(len(network.variables))
    checkpoints.restore(used, network.variables, str(path))
    return network


def _check_stages(experiment: Experiment, network: "Network") -> None:
    """Prepares the network for each stage; last for the first, with which training begins."""
    from dlcv.training.compiling import compile_stage
    from dlcv.training.freezing import freeze

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
        compile_stage(network.model, stage, schedule, steps)


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
