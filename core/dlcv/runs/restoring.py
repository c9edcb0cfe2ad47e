"""The preprocessors and the network of a run, as its files have them."""

from typing import TYPE_CHECKING

import numpy as np

from dlcv import backend, registry
from dlcv.data.pipeline import Pipeline
from dlcv.data.states import with_states
from dlcv.errors import DlcvError
from dlcv.files import load_arrays
from dlcv.runs import origins

if TYPE_CHECKING:
    import keras

    from dlcv.runs.run import Run


def restored_pipeline(run: "Run") -> Pipeline:
    """Returns a run's preprocessors with what they learned; raises `DlcvError` if they can't be."""
    path, shape = run.directory.preprocessing, run.input_shape
    made = origins.create(
        registry.create_list, "preprocessor", run.config.preprocessors, run.origins
    )
    arrays = load_arrays(path)
    try:
        pipeline = Pipeline.of(with_states(made, arrays)).with_sizes(shape[:2])
        given = pipeline.values(np.zeros((1, *shape), np.uint8)).shape[1:]
    except Exception as error:
        # What a step says about state that is not its own is up to the step.
        raise DlcvError(f"{path} does not fit the run's preprocessors: {error!r}") from error
    if given != shape:
        raise DlcvError(f"{path} is damaged: it makes images of shape {given} from {shape}")
    return pipeline


def restored_network(run: "Run", precision: str) -> "keras.Model":
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

    found = checkpoints.load_chosen(run.directory.checkpoints, run.checkpoint)
    if found is None:
        raise DlcvError(f"{run.path} holds no checkpoint so far, so there is no network to use")
    checkpoint, path = found
    architecture = origins.create(
        registry.create, "architecture", run.config.architecture, run.origins
    )
    network = build_network(
        architecture, run.pipeline, run.input_shape, len(run.label_names), precision
    )
    # A checkpoint within a stage holds optimizer and metrics after the network's variables.
    used = checkpoint.of_network(len(network.variables))
    checkpoints.restore(used, network.variables, str(path))
    return network
