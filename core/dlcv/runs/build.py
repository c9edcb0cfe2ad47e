"""Building the network of a run again, with the weights and statistics that it learned."""

from typing import TYPE_CHECKING

import numpy as np

from dlcv import backend, registry
from dlcv.data.pipeline import Pipeline, with_states
from dlcv.errors import DlcvError
from dlcv.files import load_arrays
from dlcv.runs.plugin_versions import naming_packages
from dlcv.runs.trained import TrainedNetwork

if TYPE_CHECKING:
    import keras


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
