"""The networks, against parameter counts and volumes derived by hand from their layer tables."""

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError


def conv(size: int, source: int, filters: int, *, bias: bool = True) -> int:
    return size * size * source * filters + (filters if bias else 0)


def bottleneck(source: int, filters: int, *, reduce: bool) -> int:
    """A pre-activation module: BN and conv 1 x 1, BN and conv 3 x 3, BN and conv 1 x 1."""
    quarter = filters // 4
    norms = 4 * (source + quarter + quarter)
    kernels = source * quarter + 9 * quarter * quarter + quarter * filters
    return norms + kernels + (source * filters if reduce else 0)


def resnet_count(stages: tuple[int, ...], filters: tuple[int, ...], stem: int, classes: int) -> int:
    """`stem` is the number of parameters of the stem's convolution and its normalisation."""
    count = 4 * 3 + stem
    source = filters[0]
    for modules, width in zip(stages, filters[1:], strict=True):
        count += bottleneck(source, width, reduce=True)
        count += (modules - 1) * bottleneck(width, width, reduce=False)
        source = width
    return count + 4 * source + source * classes + classes


BY_HAND = {
    "shallownet": conv(3, 3, 32) + 32 * 32 * 32 * 10 + 10,
    "minivggnet": (
        conv(3, 3, 32) + conv(3, 32, 32) + conv(3, 32, 64) + conv(3, 64, 64)
        + 4 * (32 + 32 + 64 + 64) + (8 * 8 * 64 * 512 + 512) + 4 * 512 + 512 * 10 + 10
    ),
    "lenet": (
        conv(5, 3, 20) + conv(5, 20, 50) + (8 * 8 * 50 * 500 + 500) + 500 * 10 + 10
    ),
    "resnet(stages=(9, 9, 9), filters=(64, 64, 128, 256), stem=plain, pool_size=8)": resnet_count(
        (9, 9, 9), (64, 64, 128, 256), conv(3, 3, 64, bias=False), 10
    ),
    "resnet": resnet_count((1, 1, 1), (16, 32, 64, 128), conv(5, 3, 16, bias=False) + 4 * 16, 10),
}  # fmt: skip


@pytest.mark.parametrize("spec", BY_HAND)
def test_parameters_are_those_of_the_layer_table(spec: str) -> None:
    model = registry.create("architecture", spec).build((32, 32, 3), 10)

    assert model.count_params() == BY_HAND[spec]


def test_lenet_has_the_published_number_of_parameters_on_mnist() -> None:
    model = registry.create("architecture", "lenet").build((28, 28, 1), 10)

    assert model.count_params() == 1_256_080


VOLUMES = {
    ("minivggnet", (32, 32, 3), "block1_pool"): (16, 16, 32),
    ("minivggnet", (32, 32, 3), "block2_pool"): (8, 8, 64),
    ("lenet", (28, 28, 1), "pool2"): (7, 7, 50),
    ("resnet(stages=(1, 1, 1), filters=(16, 32, 64, 128), stem=plain)", (32, 32, 3), "post_relu"): (
        8, 8, 128,
    ),
    ("resnet(stem=pooled)", (64, 64, 3), "stem_pool"): (32, 32, 16),
    ("resnet(stem=plain, stages=(9, 9, 9), filters=(64, 64, 128, 256), pool_size=8)", (32, 32, 3),
     "pool"): (1, 1, 256),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "shape", "layer"), VOLUMES)
def test_volumes_are_those_of_the_source(
    spec: str, shape: tuple[int, int, int], layer: str
) -> None:
    model = registry.create("architecture", spec).build(shape, 10)

    assert model.get_layer(layer).output.shape[1:] == VOLUMES[spec, shape, layer]


def test_half_width_quarters_the_weights_between_hidden_layers() -> None:
    whole = registry.create("architecture", "minivggnet").build((32, 32, 3), 10)
    half = registry.create("architecture", "minivggnet(width=0.5)").build((32, 32, 3), 10)

    for name in ("block1_conv2", "block2_conv1", "block2_conv2", "dense1"):
        assert half.get_layer(name).kernel.shape[-1] * 2 == whole.get_layer(name).kernel.shape[-1]
        assert np.prod(half.get_layer(name).kernel.shape) * 4 == np.prod(
            whole.get_layer(name).kernel.shape
        )


def test_resnet_penalises_every_kernel() -> None:
    model = registry.create("architecture", "resnet(l2=0.25)").build((32, 32, 3), 10)
    kernels = [layer for layer in model.layers if hasattr(layer, "kernel")]

    assert len(kernels) == 1 + 3 * 4 + 1
    expected = sum(0.25 * float((layer.kernel.numpy() ** 2).sum()) for layer in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_resnet_normalises_with_the_settings_of_the_source() -> None:
    model = registry.create("architecture", "resnet").build((32, 32, 3), 10)
    norms = [la for la in model.layers if isinstance(la, keras.layers.BatchNormalization)]

    assert norms
    assert {(la.epsilon, la.momentum) for la in norms} == {(2e-5, 0.9)}
    assert not any(la.use_bias for la in model.layers if isinstance(la, keras.layers.Conv2D))


def test_resnet_takes_the_shortcut_of_a_reducing_module_after_its_first_relu() -> None:
    model = registry.create("architecture", "resnet").build((32, 32, 3), 10)
    shortcut = model.get_layer("stage2_block1_shortcut")

    assert shortcut.input is model.get_layer("stage2_block1_relu1").output
    assert shortcut.strides == (2, 2)


def test_filters_that_do_not_match_the_stages_are_refused() -> None:
    with pytest.raises(DlcvError, match=r"2 stages need 3 numbers of filters .* not 4"):
        registry.create("architecture", "resnet(stages=(1, 1))")


@pytest.mark.parametrize("name", registry.names("architecture"))
def test_networks_build_with_channels_first(name: str) -> None:
    keras.config.set_image_data_format("channels_first")
    try:
        first = registry.create("architecture", name).build((3, 32, 32), 7)
    finally:
        keras.config.set_image_data_format("channels_last")
    last = registry.create("architecture", name).build((32, 32, 3), 7)

    assert first.count_params() == last.count_params()
    assert first.output.shape == (None, 7)
