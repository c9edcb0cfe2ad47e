"""The part of a network that features come from: its layers and their weights."""

import hashlib
import logging
from typing import TYPE_CHECKING, Any

import attrs
import keras

from dlcv.api import (
    Experiment,
    Network,
    backend,
    build_parts,
    load_into,
    open_source,
    symbolic,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture
from dlcv.interfaces.architecture import single_layers

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)


@attrs.frozen(eq=False)
class Body:
    """A network whose last layer is to be fitted.

    Attributes:
        network: All of it.
        features: From raw pixels to what reaches the last layer, `(N, features)` float32.
        weights_from: Where the weights came from: `imagenet`, a path, or nothing.
    """

    network: Network
    features: keras.Model
    weights_from: str = ""

    @classmethod
    def of(cls, network: Network) -> "Body":
        """Cuts a network before its last layer.

        Raises:
            DlcvError: a classifier can't take the place of what follows the body.
        """
        model = network.model
        last = model.layers[-1]
        weighted = [layer.name for layer in network.head_layers if layer.weights]
        if not isinstance(last, keras.layers.Dense) or weighted != [last.name]:
            names = ", ".join(weighted[:-1]) or last.name
            raise DlcvError(
                f"classifier: {model.name}'s own classifier has {names}, which nothing would "
                "train; put linear_head on the body: linear_head(base=...)"
            )
        return cls(network, keras.Model(model.inputs, last.input, name="features"))

    @property
    def cut(self) -> str:
        """The name of the layer whose output is the features."""
        for layer in reversed(self.features.layers):
            if not isinstance(layer, keras.layers.Flatten):
                return str(layer.name)
        raise AssertionError

    @property
    def count(self) -> int:
        """The features of an image."""
        return int(self.features.output_shape[-1])

    def sha256(self) -> str:
        """Returns a checksum of all weights, whatever file they came from."""
        digest = hashlib.sha256()
        for layer in self.features.layers:
            for weight in layer.weights:
                array = keras.ops.convert_to_numpy(weight)
                digest.update(f"{layer.name} {array.shape} {array.dtype}".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()

    def set_last(self, kernel: "np.ndarray", bias: "np.ndarray") -> None:
        """Gives the last layer its weights: `(features, classes)` and `(classes,)`."""
        self.network.model.layers[-1].set_weights([kernel, bias])


def build(experiment: Experiment) -> Body:
    """Builds a network with the weights that its configuration names.

    Raises:
        DlcvError: the network can't take the images, or weights are missing or do not fit.
    """
    config = experiment.config
    backend.set_seed(config.seed)
    architecture = experiment.plugins.architecture
    body = Body.of(
        build_parts(
            architecture,
            experiment.pipeline,
            experiment.input_shape,
            len(experiment.data.label_names),
            config.precision,
        )
    )
    if config.initial_weights is not None:
        return attrs.evolve(body, weights_from=_load(body, config.initial_weights, architecture))
    named = _weights_named(architecture)
    if named is None:
        logger.warning("nothing names weights of the body, so its features are random")
        return body
    _refuse_unknown_layers(body, architecture)
    architecture.load_pretrained(body.network.model)
    return attrs.evolve(body, weights_from=str(named))


def _load(body: Body, path: Any, architecture: Architecture) -> str:
    """Loads weights of a run or a file into all layers, and returns where they came from."""
    names = {layer.name for layer in single_layers(body.features.layers)}
    # The last layer is fitted, so it is no layer to look for.
    without_last = attrs.evolve(body.network, model=body.features, body=body.features)
    with open_source(path, architecture) as source:
        used = {name: arrays for name, arrays in source.layers.items() if name in names}
        load_into(without_last, attrs.evolve(source, layers=used))
        return str(source.path)


def _weights_named(architecture: Architecture) -> Any:
    """Returns the weights that an architecture, or its base, names; None for none."""
    options = architecture.options()
    if options.get("weights") is not None:
        return options["weights"]
    nested = [value for value in options.values() if isinstance(value, Architecture)]
    return next(filter(None, map(_weights_named, nested)), None)


def _refuse_unknown_layers(body: Body, architecture: Architecture) -> None:
    """Raises a `DlcvError` for layers of the base's own classifier: pretrained bodies lack them."""
    base = architecture.options().get("base")
    if not isinstance(base, Architecture):
        return
    front = body.network.front
    with symbolic():
        known = {layer.name for layer in base.body(tuple(front.output_shape[1:])).layers}
    own = body.features.layers[len(front.layers) :]
    if unknown := [x.name for x in own if x.weights and x.name not in known]:
        raise DlcvError(
            f"layer: {unknown[0]} is of the network's own classifier, and the weights are of the "
            "body alone; choose a layer before it, or a whole run as the base"
        )
