"""Wrong networks."""

from collections.abc import Callable

from dlcv.interfaces import Architecture, flatten, plugin, softmax_layer
from wrong.layers import own_layer


@plugin
class Network(Architecture):
    """Is as small as a network can be."""

    default_size = (6, 8)

    def features(self, x):
        from keras import layers

        return layers.AveragePooling2D(2, name="pool")(x)


def network(**members):
    """Returns what makes a network with something changed."""
    body = {"__doc__": "Is what a test wants.", **members}
    return lambda: plugin(type("Changed", (Network,), body))()


def ending(**options):
    """Returns what makes a network whose last layer has other options."""

    def classify(self, x, classes):
        from keras import layers

        given = {"activation": "softmax", "dtype": "float32", "name": "predictions", **options}
        return layers.Dense(given.pop("units", classes), **given)(flatten(x))

    return network(classify=classify)


def two_channels(self, x):
    from keras import ops

    return ops.stack([x[..., 2], x[..., 0]], axis=-1)


def unnamed(self, x):
    from keras import layers

    return layers.Conv2D(4, 3)(x)


def other_body(self, input_shape):
    import keras

    inputs = keras.Input(input_shape, name="images")
    return keras.Model(inputs, keras.layers.ReLU(name="other")(inputs))


class Unknown:
    """A network whose features have no known shape."""

    def __init__(self, model):
        self.layers = model.layers
        self.output = type("Output", (), {"shape": (None, None, 3)})


def by_code(self, x):
    from keras import layers

    return layers.Lambda(lambda x: x * 2, name="twice")(x)


VALUES, PROBABILITIES = {"preprocessors_are_value_steps"}, {"output_is_probabilities", ...}
BODY, LAYERS = {"body_ends_before_the_classifier"}, {"layers_can_be_loaded"}
WRONG: dict[str, tuple[Callable, set]] = {
    "wants pixel steps": (network(preprocessors="flip, scale"), VALUES),
    "wants unknown steps": (network(preprocessors="scael"), VALUES),
    "wants impossible options": (network(preprocessors="scale(factor=-1)"), VALUES),
    "columns that are no classes": (ending(units=5), PROBABILITIES),
    "no probabilities": (ending(activation=None), {"output_is_probabilities"}),
    "probabilities of float16": (ending(dtype="float16"), PROBABILITIES),
    "other precision in mixed": (
        ending(dtype=None),
        {"output_stays_float32_in_mixed_precision"},
    ),
    "fails for grey images": (network(features=two_channels), {"grey_images_are_taken", ...}),
    "layers without names": (network(features=unnamed), {"layer_names_are_systematic", ...}),
    "a body of its own": (network(body=other_body), BODY),
    "a body with the classifier": (
        network(
            features=lambda self, x: softmax_layer(7)(flatten(x)),
            classify=lambda self, x, classes: x,
        ),
        BODY,
    ),
    "features of any shape": (
        network(body=lambda self, input_shape: Unknown(Network.body(self, input_shape))),
        BODY,
    ),
    "Lambda layer": (network(features=by_code), LAYERS),
    "layer of its own": (network(features=lambda self, x: own_layer()(x)), LAYERS),
}
