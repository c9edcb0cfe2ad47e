"""Which layers a stage trains, and that the others stay as they are."""

import keras
import numpy as np
import pytest

from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, plugin
from dlcv.registry import registry
from dlcv.training.network import Network, build_parts, symbolic
from dlcv_plugins.commands.inspect.inspection import build_for_inspection
from dlcv_plugins.training.freezing import chosen_layers, freeze, trained_parameters


@plugin
class Net(Architecture):
    """Conv (3 x 3 x 1 x 2 + 2 = 20), batch normalization (4 + 4), and a head with two layers."""

    def features(self, x: keras.KerasTensor) -> keras.KerasTensor:
        x = keras.layers.Conv2D(2, 3, name="stage1_conv")(x)
        return keras.layers.BatchNormalization(name="stage1_bn")(x)

    def classify(self, x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
        return super().classify(keras.layers.GlobalAveragePooling2D(name="pool")(x), classes)


LAYERS = ["stage1_conv", "stage1_bn", "pool", "predictions"]
TRAINED = {"stage1_conv": 20, "stage1_bn": 4, "pool": 0, "predictions": 3 * 2 + 3}


@pytest.fixture
def network() -> Network:
    steps = registry.create_list("preprocessor", "scale")
    return build_parts(Net(), Pipeline.of(steps), (6, 6, 1), 3, "float32")


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        ("all", LAYERS),
        ("head", ["pool", "predictions"]),
        ("0:", LAYERS),
        ("1:", LAYERS),
        ("2:", ["stage1_bn", "pool", "predictions"]),
        ("1:3", ["stage1_conv", "stage1_bn"]),
        ("-1:", ["predictions"]),
        (":-1", ["stage1_conv", "stage1_bn", "pool"]),
        (":", LAYERS),
        ("stage1_*", ["stage1_conv", "stage1_bn"]),
        ("predictions, *_bn", ["stage1_bn", "predictions"]),
        (" pre?ictions ", ["predictions"]),
        ("stage1_bn, head", ["stage1_bn", "pool", "predictions"]),
        ("-1:, 1:2", ["stage1_conv", "predictions"]),
        ("all, pool", LAYERS),
    ],
)
def test_layers_are_chosen(network: Network, trainable: str, expected: list[str]) -> None:
    assert [layer.name for layer in chosen_layers(network, trainable)] == expected

    freeze(network, trainable)
    assert trained_parameters(network.model) == sum(TRAINED[name] for name in expected)


@pytest.mark.parametrize("architecture", ["minivggnet", "resnet18", "minigooglenet", "lenet"])
def test_indices_are_those_of_inspect(architecture: str) -> None:
    made = registry.create("architecture", architecture)
    steps = registry.create_list("preprocessor", "scale")
    with symbolic():
        own = build_parts(made, Pipeline.of(steps), (32, 32, 3), 5, "float32")

    listed = build_for_inspection(made, (32, 32), 3, 5).layers
    body = build_for_inspection(made, (32, 32), 3, None).layers

    assert [layer.name for layer in own.own_layers] == [layer.name for layer in listed[1:]]
    assert [layer.name for layer in own.head_layers] == [x.name for x in listed[len(body) :]]


@pytest.mark.parametrize(
    ("trainable", "message"),
    [
        ("stage3_*", r'trainable: no layer is named "stage3_\*"'),
        ("prediction", 'no layer is named "prediction"; did you mean "predictions"'),
        ("heads", 'no layer is named "heads"; did you mean "head"'),
        ("predictions, conv", 'no layer is named "conv"'),
        ("", 'no layer is named ""'),
        (
            "5:",
            "goes beyond the network, whose 5 layers have the indices 0 to 4; the last is predi",
        ),
        ("2:6", "goes beyond the network"),
        ("-6:", "goes beyond the network"),
        (
            "pool",
            "trainable=pool trains nothing: .* in pool; the last layer with weights is predictions",
        ),
        ("3:4", "trains nothing"),
        ("2:2", "trainable=2:2 trains nothing: no layer is in it; the last"),
        ("0:1", "trains nothing"),
        ("15", 'no layer is named "15"'),
        ("1:2:3", 'no layer is named "1:2:3"'),
        ("scale", 'no layer is named "scale"'),
    ],
)
def test_what_names_nothing_is_refused(network: Network, trainable: str, message: str) -> None:
    with pytest.raises(DlcvError, match=message):
        freeze(network, trainable)


def test_frozen_layers_keep_weights_and_statistics(network: Network) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 6, 6, 1), np.uint8)
    labels = np.eye(3, dtype=np.float32)[rng.integers(0, 3, 8)]
    model = network.model
    changed = {}
    for trainable in ("all", "head", "stage1_bn"):
        freeze(network, trainable)
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
        before = {v.path: keras.ops.convert_to_numpy(v).copy() for v in model.weights}
        model.fit(images, labels, epochs=2, verbose=0)
        changed[trainable] = {
            v.path for v in model.weights if not np.array_equal(before[v.path], v)
        }

    own = {v.path for layer in network.own_layers for v in layer.weights}
    assert changed["all"] == own
    assert changed["head"] == {"predictions/kernel", "predictions/bias"}
    assert changed["stage1_bn"] == {v for v in own if v.startswith("stage1_bn/")}


def test_batch_normalisation_of_a_frozen_layer_works_as_in_prediction(network: Network) -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 1), np.uint8)
    freeze(network, "head")

    training = keras.ops.convert_to_numpy(network.body(images, training=True))
    np.testing.assert_allclose(training, network.body(images, training=False), atol=1e-6)

    freeze(network, "all")
    assert np.abs(training - network.body(images, training=True)).max() > 0.1


def test_what_the_architecture_fixes_stays_so() -> None:
    class Fixed(Net):
        def features(self, x: keras.KerasTensor) -> keras.KerasTensor:
            layer = keras.layers.Conv2D(2, 3, name="fixed", trainable=False)
            return super().features(layer(x))

    network = build_parts(Fixed(), Pipeline.of([]), (9, 9, 1), 3, "float32")
    freeze(network, "head")
    freeze(network, "all")

    assert not network.model.get_layer("fixed").trainable
    with pytest.raises(DlcvError, match=r"trainable=fixed trains nothing: .* in fixed; the last"):
        freeze(network, "fixed")
