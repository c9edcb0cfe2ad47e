"""Heads on the bodies of other networks."""

import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import dlcv
from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.training.network import symbolic


def build(spec: str, size: int = 32, classes: int = 10) -> keras.Model:
    with symbolic():
        return registry.create("architecture", spec).build((size, size, 3), classes)


def names_after(model: keras.Model, layer: str) -> list[str]:
    names = [x.name for x in model.layers]
    return names[names.index(layer) + 1 :]


def test_fc_head_on_vgg16_is_that_of_the_source() -> None:
    """PB 5: flatten 7 x 7 x 512 = 25,088, dense 256, dropout 0.5, softmax of 17 flowers."""
    model = build("fc_head(base=vgg16)", 224, 17)

    assert names_after(model, "block5_pool") == [
        "head_flatten", "head_dense1", "head_dense1_relu", "head_dense1_dropout", "predictions",
    ]  # fmt: skip
    assert model.count_params() == 14_714_688 + 25_088 * 256 + 256 + 256 * 17 + 17
    assert model.get_layer("head_dense1_dropout").rate == 0.5


def test_gap_head_on_vgg16_is_that_of_the_source() -> None:
    """L16: global average pooling to 512, dense 128 and 64 with dropout 0.2, at 32 x 32."""
    model = build("gap_head(base=vgg16)")

    assert names_after(model, "block5_pool") == [
        "head_pool",
        "head_dense1", "head_dense1_relu", "head_dense1_dropout",
        "head_dense2", "head_dense2_relu", "head_dense2_dropout",
        "predictions",
    ]  # fmt: skip
    dropped = [x.rate for x in model.layers if isinstance(x, keras.layers.Dropout)]
    assert dropped == [0.2, 0.2]
    hidden = 512 * 128 + 128 + 128 * 64 + 64
    assert model.count_params() == 14_714_688 + hidden + 64 * 10 + 10


@pytest.mark.parametrize("units", [132, 256, 512, 1024])
def test_width_of_the_classification_layer_is_an_option(units: int) -> None:
    model = build(f"fc_head(base=lenet, units={units})")

    assert model.get_layer("head_dense1").units == units


def test_body_that_ends_pooled_is_not_pooled_twice() -> None:
    assert "head_pool" not in [x.name for x in build("gap_head(base=resnet)").layers]


def test_graph_is_flat_and_layers_of_the_base_keep_their_names() -> None:
    base = registry.create("architecture", "minivggnet")
    headed = build("fc_head(base=minivggnet)")
    body = [x.name for x in base.body((32, 32, 3)).layers]

    assert [x.name for x in headed.layers][: len(body)] == body
    assert not any(isinstance(x, keras.Model) for x in headed.layers)


def test_head_takes_size_and_preprocessing_of_its_base() -> None:
    head = registry.create("architecture", "gap_head(base=inceptionv3)")

    assert head.default_size == (299, 299)
    assert head.preprocessors == "imagenet_input(mode=tf)"


def test_text_of_a_head_parses_back() -> None:
    head = registry.create("architecture", "fc_head(base=vgg16(weights=imagenet), units=512)")

    again = registry.create("architecture", str(registry.spec_of(head)))
    assert again == head
    assert again.base.weights == "imagenet"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("fc_head", "fc_head needs base"),
        ("fc_head(base=scale)", 'unknown architecture "scale".*"scale" is a preprocessor'),
        ("fc_head(base=vgg61)", 'unknown architecture "vgg61".*vgg16'),
        ("fc_head(base=3)", "base: expected"),
        ("fc_head(base=gap_head(base=lenet))", "FCHead: the base is a head itself"),
        ("fc_head(base=lenet, units=0)", "units: expected int >= 1, received 0"),
    ],
)
def test_what_is_no_base_is_refused(spec: str, message: str) -> None:
    with pytest.raises(DlcvError, match=message):
        registry.create("architecture", spec)


def test_head_on_a_network_without_a_body_is_refused() -> None:
    with pytest.raises(DlcvError, match="GAPHead needs a network with a body"):
        build("gap_head(base=cnn(filters=()))")


BASES = ["minivggnet(width=0.1)", "resnet(stages=(1, 1), filters=(8, 8, 16))"]


@pytest.mark.parametrize("base", BASES)
def test_body_gets_the_weights_of_a_file(base: str, tmp_path: Path) -> None:
    """Of a network with other classes and another head, by layer."""
    before = registry.create("architecture", base).build((16, 16, 3), 2)
    before.save_weights(tmp_path / "two.weights.h5")
    spec = f'gap_head(base={base}, weights="{tmp_path}/two.weights.h5", units=(8,))'
    head = registry.create("architecture", spec)
    after = head.build((16, 16, 3), 3)
    head.load_pretrained(after)

    compare_bodies(base, before, after)


def test_body_begins_with_the_weights_of_another_run_and_needs_it_never_again(
    photos: Callable[..., Path], tmp_path: Path
) -> None:
    """Pretrained on images of two classes, used for three, with other sizes of the head."""
    base = "mlp(units=9)"
    common = {
        "epochs": 1, "runs": tmp_path / "runs", "input_size": 16,
        "optimizer": "sgd(learning_rate=1e-9)", "schedule": "constant", "preprocessors": "mean",
    }  # fmt: skip
    first = dlcv.run(
        data=str(photos(("red", "green"), size=(16, 16), name="two")), architecture=base, **common
    )
    before = first.model
    second = dlcv.run(
        data=str(photos(size=(16, 16), name="three")),
        architecture=f'fc_head(base={base}, weights="{first.path}")',
        **common,
    )
    compare_bodies(base, before, second.model)

    shutil.rmtree(first.path)
    compare_bodies(base, before, dlcv.load(second.path).model)
    assert "weights=" in (second.path / "run.toml").read_text()


def compare_bodies(base: str, before: keras.Model, after: keras.Model) -> None:
    """Compares the kernels of a base in two networks."""
    body = registry.create("architecture", base).body((16, 16, 3))
    kernels = [x.name for x in body.layers if hasattr(x, "kernel")]
    assert kernels
    for name in kernels:
        one, other = (model.get_layer(name).kernel for model in (before, after))
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_weights_of_another_body_are_refused_with_layer_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "wide.weights.h5"
    registry.create("architecture", "lenet").body((8, 8, 3)).save_weights(path)
    head = registry.create("architecture", f'fc_head(base=lenet(width=0.5), weights="{path}")')
    network = head.build((8, 8, 3), 2)
    shape = r"\(5, 5, \d+, \d+\)"
    expected = rf"does not fit lenet: layer conv\d: .* shape {shape}, the file's {shape}"
    with pytest.raises(DlcvError, match=expected):
        head.load_pretrained(network)
