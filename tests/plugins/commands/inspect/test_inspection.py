"""What is counted of a network, against sums by hand and the figures of papers."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.training.network import smallest_size, symbolic
from dlcv_plugins.commands.inspect.diagram import (
    BOX_WIDTH,
    Layout,
    check_diagram_path,
    draw_diagram,
)
from dlcv_plugins.commands.inspect.inspection import (
    NetworkFacts,
    build_for_inspection,
    multiply_adds,
)


def facts(spec, size=None, classes=10):
    architecture = registry.create("architecture", spec)
    size = architecture.default_size if size is None else (size, size)
    return NetworkFacts.of(build_for_inspection(architecture, size, 3, classes))


BY_HAND = {
    # kernel weights times positions of the output; biases do not count
    "conv": (lambda: layers.Conv2D(8, 3, padding="same"), (10, 10, 4), 3 * 3 * 4 * 8 * 100),
    "conv_valid": (lambda: layers.Conv2D(8, 3), (10, 10, 4), 3 * 3 * 4 * 8 * 64),
    "conv_strided": (
        lambda: layers.Conv2D(8, (1, 5), strides=2, padding="same", use_bias=False),
        (10, 9, 4),
        5 * 4 * 8 * 5 * 5,
    ),
    "conv_grouped": (lambda: layers.Conv2D(8, 1, groups=2), (10, 10, 4), 2 * 8 * 100),
    "depthwise": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same"),
        (10, 10, 4),
        3 * 3 * 4 * 2 * 25,
    ),
    "separable": (
        lambda: layers.SeparableConv2D(8, 3, padding="same"),
        (10, 10, 4),
        (3 * 3 * 4 + 4 * 8) * 100,
    ),
    "dense": (lambda: layers.Dense(5), (12,), 60),
    "dense_on_positions": (lambda: layers.Dense(5), (3, 3, 12), 9 * 60),
    "nested": (
        lambda: keras.Sequential([layers.Conv2D(2, 2), layers.Flatten(), layers.Dense(3)]),
        (3, 3, 1),
        2 * 2 * 2 * 4 + 8 * 3,
    ),
    "pooling": (lambda: layers.MaxPooling2D(2), (10, 10, 4), 0),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_multiply_adds_are_those_counted_by_hand(case):
    make, shape, expected = BY_HAND[case]
    layer = make()
    keras.Model(inputs := keras.Input(shape), layer(inputs))

    assert multiply_adds(layer) == expected


def test_multiply_adds_are_the_same_with_channels_first():
    layer = layers.Conv2D(8, 3, data_format="channels_first")
    layer(keras.Input((4, 10, 10)))

    assert multiply_adds(layer) == 3 * 3 * 4 * 8 * 64


@pytest.mark.parametrize(
    ("name", "published"),
    # He et al. (2015), table 1; Howard et al. (2017), table 4; Simonyan's as He et al. count it.
    [("resnet50", 3.8e9), ("vgg19", 19.6e9), ("mobilenet", 569e6), ("mobilenetv2", 300e6)],
)
def test_multiply_adds_are_those_of_the_paper(name, published):
    assert facts(name, classes=1000).multiply_adds == pytest.approx(published, rel=0.02)


def test_memory_is_that_counted_by_hand():
    found = facts("shallownet", size=8, classes=2)
    convolution, classifier = 3 * 3 * 3 * 32 + 32, 8 * 8 * 32 * 2 + 2
    outputs = 8 * 8 * 3 + 3 * (8 * 8 * 32) + 2  # images; conv, ReLU, flatten; probabilities

    assert found.parameters == found.trainable == convolution + classifier
    assert found.weight_bytes == 4 * (convolution + classifier)
    assert found.activation_bytes == 4 * outputs
    assert found.training_bytes(10) == 4 * 4 * found.parameters + 10 * 4 * outputs


def test_statistics_of_batch_normalisation_are_not_trained():
    found = facts("minivggnet")

    assert found.parameters - found.trainable == 2 * (32 + 32 + 64 + 64 + 512)
    assert found.training_bytes(1) == (
        found.weight_bytes + 3 * 4 * found.trainable + found.activation_bytes
    )


def test_half_precision_halves_the_activations():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = facts("lenet")
    finally:
        keras.config.set_dtype_policy("float32")
    whole = facts("lenet")

    # The images and the probabilities stay float32.
    assert half.activation_bytes == pytest.approx(whole.activation_bytes / 2, rel=0.1)
    assert half.weight_bytes == whole.weight_bytes


def test_layers_are_told_as_keras_numbers_them():
    found = facts("lenet")
    with symbolic():
        model = registry.create("architecture", "lenet").build((28, 28, 3), 10)

    assert [x.name for x in found.layers] == [x.name for x in model.layers]
    assert [x.index for x in found.layers] == list(range(len(model.layers)))
    second = found.layers[1]
    assert (second.name, second.kind, second.output_shape) == ("conv1", "Conv2D", (28, 28, 20))
    assert second.inputs == ("images",)
    assert second.parameters == 5 * 5 * 3 * 20 + 20


def test_body_ends_before_the_classifier():
    assert facts("lenet", classes=None).layers[-1].name == "pool2"


@pytest.mark.parametrize("spec", ["lenet", "fc_head(base=lenet)"])
def test_imagenet_weights_of_a_network_that_has_none_are_refused(spec):
    architecture = registry.create("architecture", spec)
    with pytest.raises(DlcvError, match="Keras has no ImageNet weights for LeNet; name a file"):
        build_for_inspection(architecture, (28, 28), 3, 10, "imagenet")


@pytest.mark.parametrize("classes", [4, None])
def test_any_network_is_shown_with_the_weights_of_a_file(classes, tmp_path):
    lenet = registry.create("architecture", "lenet(width=0.1)")
    given = lenet.build((8, 8, 3), 4)
    given.save_weights(tmp_path / "given.weights.h5")

    found = build_for_inspection(lenet, (8, 8), 3, classes, str(tmp_path / "given.weights.h5"))

    for layer in found.layers:
        for ours, theirs in zip(layer.weights, given.get_layer(layer.name).weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    wider = registry.create("architecture", "lenet(width=0.2)")
    with pytest.raises(DlcvError, match=r"layer conv1 has weights of the shapes \(5, 5, 3, 4\)"):
        build_for_inspection(wider, (8, 8), 3, classes, str(tmp_path / "given.weights.h5"))


@pytest.mark.parametrize(
    ("spec", "expected"),
    # lenet is halved twice; minigooglenet: 31 -> 15 -> 7, which its last pooling needs.
    [("shallownet", 1), ("lenet", 4), ("minigooglenet", 31), ("vgg16", 32)],
)
def test_smallest_size_is_found(spec, expected):
    architecture = registry.create("architecture", spec)

    assert smallest_size(architecture, 3, 2) == expected
    assert smallest_size(architecture, 3, 2, above=expected - 1) == expected


def test_no_size_is_found_where_none_would_do():
    assert smallest_size(registry.create("architecture", "vgg16(weights=imagenet)"), 1, 2) is None


def test_boxes_of_a_diagram_do_not_overlap_and_stand_below_their_inputs():
    found = facts("deepergooglenet").layers
    layout = Layout.of(found)
    rows = {}
    for layer in found:
        x, y = layout.places[layer.name]
        assert all(layout.places[name][1] > y for name in layer.inputs)
        rows.setdefault(y, []).append(x)
    assert max(map(len, rows.values())) == 4
    for xs in map(sorted, rows.values()):
        assert all(right - left > BOX_WIDTH for left, right in itertools.pairwise(xs))


def test_lines_of_a_diagram_pass_boxes_by():
    found = facts("resnet").layers
    layout = Layout.of(found)
    boxes = list(layout.places.values())
    for line in layout.lines:
        for (x1, y1), (x2, y2) in itertools.pairwise(line[1:-1]):
            if x1 == x2:
                assert not any(
                    abs(x1 - x) < BOX_WIDTH / 2 and min(y1, y2) < y < max(y1, y2) for x, y in boxes
                )


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_diagram_is_written(suffix, tmp_path):
    path = tmp_path / f"network{suffix}"
    check_diagram_path(path, force=False)
    draw_diagram(path, facts("lenet"), "lenet")

    content = path.read_bytes()
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    assert content.startswith(starts[suffix])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", "a diagram is one of .png"),
        ("no/a.png", "there is no folder"),
        ("there.png", "exists already"),
    ],
)
def test_diagram_that_can_not_be_written_is_refused(name, message, tmp_path):
    (tmp_path / "there.png").write_bytes(b"mine")
    with pytest.raises(DlcvError, match=message):
        check_diagram_path(tmp_path / name, force=False)
