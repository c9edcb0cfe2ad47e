"""The networks, against parameter counts and volumes derived by hand from their layer tables."""

import functools

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import options_of
from dlcv.training.network import symbolic


def build(spec: str, shape: tuple[int, int, int], classes: int = 10) -> keras.Model:
    """Builds a network without values for its weights, which takes a fraction of the time."""
    return _build(spec, shape, classes, keras.config.image_data_format())


@functools.cache
def _build(spec: str, shape: tuple[int, int, int], classes: int, data_format: str) -> keras.Model:
    with symbolic():
        return registry.create("architecture", spec).build(shape, classes)


def conv(size: int, source: int, filters: int, *, bias: bool = True) -> int:
    return size * size * source * filters + (filters if bias else 0)


def dense(source: int, units: int) -> int:
    return source * units + units


def norm(channels: int) -> int:
    """Scale, shift, and the two running statistics, which are not trained."""
    return 4 * channels


def conv_module(size: int, source: int, filters: int) -> int:
    return conv(size, source, filters) + norm(filters)


def alexnet(classes: int) -> int:
    convolutions = ((11, 3, 96), (5, 96, 256), (3, 256, 384), (3, 384, 384), (3, 384, 256))
    hidden = dense(6 * 6 * 256, 4096) + norm(4096) + dense(4096, 4096) + norm(4096)
    return sum(conv_module(*c) for c in convolutions) + hidden + dense(4096, classes)


def minigooglenet(classes: int) -> int:
    count, source = conv_module(3, 3, 96), 96
    stages = (
        ([(32, 32), (32, 48)], 80),
        ([(112, 48), (96, 64), (80, 80), (48, 96)], 96),
        ([(176, 160), (176, 160)], 0),
    )
    for modules, downsampling in stages:
        for small, large in modules:
            count += conv_module(1, source, small) + conv_module(3, source, large)
            source = small + large
        if downsampling:
            count += conv_module(3, source, downsampling)
            source += downsampling
    return count + dense(336, classes)


def airbench(classes: int) -> int:
    """Convolutions and a dense layer without bias, and normalization without scale."""
    pairs = ((3, 64), (64, 64), (64, 256), (256, 256), (256, 256), (256, 256))
    return sum(conv(3, *p, bias=False) + 3 * p[1] for p in pairs) + 256 * classes


def deepergooglenet(classes: int, *, stage4: bool) -> int:
    count = conv_module(5, 3, 64) + conv_module(1, 64, 64) + conv_module(3, 64, 192)
    modules = [(64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)]
    if stage4:
        modules += [
            (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
            (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128),
        ]  # fmt: skip
    source = 192
    for one, reduce3, three, reduce5, five, pool in modules:
        count += conv_module(1, source, one) + conv_module(1, source, pool)
        count += conv_module(1, source, reduce3) + conv_module(3, reduce3, three)
        count += conv_module(1, source, reduce5) + conv_module(5, reduce5, five)
        source = one + three + five + pool
    return count + dense(source, classes)


def bottleneck(source: int, filters: int, *, reduce: bool) -> int:
    """A pre-activation module: BN and conv 1 x 1, BN and conv 3 x 3, BN and conv 1 x 1."""
    quarter = filters // 4
    norms = norm(source) + 2 * norm(quarter)
    kernels = source * quarter + 9 * quarter * quarter + quarter * filters
    return norms + kernels + (source * filters if reduce else 0)


def resnet(stages: tuple[int, ...], filters: tuple[int, ...], stem: int, classes: int) -> int:
    """`stem` is the number of parameters of the stem's convolution and its normalization."""
    count = norm(3) + stem
    source = filters[0]
    for modules, width in zip(stages, filters[1:], strict=True):
        count += bottleneck(source, width, reduce=True)
        count += (modules - 1) * bottleneck(width, width, reduce=False)
        source = width
    return count + norm(source) + dense(source, classes)


def original_resnet(kind: str, classes: int) -> int:
    """One module a stage of the original kinds, on 8 and 16 channels behind a plain stem."""
    count = norm(3) + conv(3, 3, 8, bias=False) + norm(8)
    for source, filters in ((8, 8), (8, 16)):
        shortcut = conv(1, source, filters, bias=False) + norm(filters)
        kernels = (
            [(3, source, filters), (3, filters, filters)]
            if kind == "basic"
            else [(1, source, filters // 4), (3, filters // 4, filters // 4),
                  (1, filters // 4, filters)]
        )  # fmt: skip
        count += shortcut + sum(conv(*k, bias=False) + norm(k[2]) for k in kernels)
    return count + dense(16, classes)


TINY = "resnet(stages=(1, 1), filters=(8, 8, 16), stem=plain, module={})"
BY_HAND = {
    ("shallownet", 32): conv(3, 3, 32) + dense(32 * 32 * 32, 10),
    ("minivggnet", 32): (
        conv(3, 3, 32) + conv(3, 32, 32) + conv(3, 32, 64) + conv(3, 64, 64)
        + norm(32 + 32 + 64 + 64) + dense(8 * 8 * 64, 512) + norm(512) + dense(512, 10)
    ),
    ("lenet", 32): conv(5, 3, 20) + conv(5, 20, 50) + dense(8 * 8 * 50, 500) + dense(500, 10),
    ("airbench", 32): airbench(10),
    ("alexnet", 227): alexnet(10),
    ("minigooglenet", 32): minigooglenet(10),
    ("deepergooglenet", 64): deepergooglenet(10, stage4=True),
    ("deepergooglenet(stage4=False, normalise=after, activation=elu)", 64): (
        deepergooglenet(10, stage4=False)
    ),
    # The lecture's own figures.
    ("lecture_cnn", 32): 558_186,
    ("lecture_cnn(variant=dropout)", 32): 1_336_682,
    ("lecture_cnn(variant=batch_normalised)", 32): 1_338_090,
    ("mlp(units=100)", 32): dense(32 * 32 * 3, 100) + dense(100, 10),
    ("cnn(filters=(24,), units=(256,))", 32): (
        conv(3, 3, 24) + dense(16 * 16 * 24, 256) + dense(256, 10)
    ),
    ("cnn(filters=(64, 128), units=(512, 512))", 32): (
        conv(3, 3, 64) + conv(3, 64, 128) + dense(8 * 8 * 128, 512) + dense(512, 512)
        + dense(512, 10)
    ),
    ("resnet56", 32): (
        resnet((9, 9, 9), (64, 64, 128, 256), conv(3, 3, 64, bias=False), 10)
    ),
    ("resnet56(filters=(16, 16, 32, 64))", 32): (
        resnet((9, 9, 9), (16, 16, 32, 64), conv(3, 3, 16, bias=False), 10)
    ),
    ("resnet_tiny_imagenet", 64): (
        resnet((3, 4, 6), (64, 128, 256, 512), conv(5, 3, 64, bias=False) + norm(64), 10)
    ),
    ("resnet", 32): (
        resnet((1, 1, 1), (16, 32, 64, 128), conv(5, 3, 16, bias=False) + norm(16), 10)
    ),
    (TINY.format("basic"), 32): original_resnet("basic", 10),
    (TINY.format("bottleneck"), 32): original_resnet("bottleneck", 10),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "size"), BY_HAND)
def test_parameters_are_those_of_the_layer_table(spec: str, size: int) -> None:
    assert build(spec, (size, size, 3)).count_params() == BY_HAND[spec, size]


def test_lenet_has_the_published_number_of_parameters_on_mnist() -> None:
    assert build("lenet", (28, 28, 1)).count_params() == 1_256_080


@pytest.mark.parametrize(
    ("name", "trained", "multiply_adds"),
    [("resnet18", 11_689_512, 1.8e9), ("resnet34", 21_797_672, 3.6e9)],
)
def test_small_imagenet_resnets_are_those_of_the_paper(
    name: str, trained: int, multiply_adds: float
) -> None:
    """The counts that are published are without the running statistics."""
    from dlcv_plugins.commands.inspect.inspection import NetworkFacts

    model = build(name, (224, 224, 3), 1000)
    facts = NetworkFacts.of(model)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]

    assert facts.trainable == trained
    assert model.count_params() == trained + sum(2 * x.output.shape[-1] for x in norms)
    assert facts.multiply_adds == pytest.approx(multiply_adds, rel=0.02)


VOLUMES = {
    ("minivggnet", 32, "block1_pool"): (16, 16, 32),
    ("minivggnet", 32, "block2_pool"): (8, 8, 64),
    ("alexnet", 227, "conv1_bn"): (57, 57, 96),
    ("alexnet", 227, "pool1"): (28, 28, 96),
    ("alexnet", 227, "pool2"): (13, 13, 256),
    ("alexnet", 227, "pool5"): (6, 6, 256),
    ("minigooglenet", 32, "stage1_downsample_concat"): (15, 15, 160),
    ("minigooglenet", 32, "stage2_downsample_concat"): (7, 7, 240),
    ("minigooglenet", 32, "stage3_block2_concat"): (7, 7, 336),
    ("minigooglenet", 32, "pool"): (1, 1, 336),
    ("deepergooglenet", 64, "pool1"): (32, 32, 64),
    ("deepergooglenet", 64, "pool2"): (16, 16, 192),
    ("deepergooglenet", 64, "inception3a_concat"): (16, 16, 256),
    ("deepergooglenet", 64, "pool3"): (8, 8, 480),
    ("deepergooglenet", 64, "inception4e_concat"): (8, 8, 832),
    ("deepergooglenet", 64, "pool5"): (1, 1, 832),
    ("lecture_cnn(variant=dropout)", 32, "block3_pool"): (4, 4, 256),
    ("resnet56", 32, "stage1_block9_add"): (32, 32, 64),
    ("resnet56", 32, "post_relu"): (8, 8, 256),
    ("resnet56", 32, "pool"): (1, 1, 256),
    ("resnet_tiny_imagenet", 64, "stem_pool"): (32, 32, 64),
    ("resnet_tiny_imagenet", 64, "post_relu"): (8, 8, 512),
    ("resnet18", 224, "stem_pool"): (56, 56, 64),
    ("resnet18", 224, "stage4_block2_relu"): (7, 7, 512),
}


@pytest.mark.parametrize(("spec", "size", "layer"), VOLUMES)
def test_volumes_are_those_of_the_source(spec: str, size: int, layer: str) -> None:
    found = build(spec, (size, size, 3)).get_layer(layer).output.shape[1:]

    assert found == VOLUMES[spec, size, layer]


def test_layers_stand_in_the_order_of_the_source() -> None:
    names = [layer.name for layer in build("alexnet", (227, 227, 3)).layers]

    assert names[1:6] == ["conv1", "conv1_relu", "conv1_bn", "pool1", "pool1_dropout"]
    assert names[-5:] == ["dense2", "dense2_relu", "dense2_bn", "dense2_dropout", "predictions"]
    module = [layer.name for layer in build("deepergooglenet", (64, 64, 3)).layers][1:4]
    assert module == ["conv1", "conv1_bn", "conv1_relu"]
    suggested = build("deepergooglenet(normalise=after, activation=elu)", (64, 64, 3)).layers
    assert [layer.name for layer in suggested][1:4] == ["conv1", "conv1_elu", "conv1_bn"]


def test_lecture_cnn_has_linear_convolutions_and_drops_where_the_lecture_does() -> None:
    model = build("lecture_cnn(variant=batch_normalised)", (32, 32, 3))
    convolutions = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]

    assert {x.activation.__name__ for x in convolutions} == {"linear"}
    assert [x.name for x in model.layers if isinstance(x, keras.layers.Dropout)] == [
        "block1_dropout", "block2_dropout", "dense1_dropout", "dense2_dropout",
    ]  # fmt: skip
    names = [x.name for x in model.layers]
    assert names[names.index("block1_bn") - 1] == "block1_conv2"


@pytest.mark.parametrize(
    ("spec", "kernels"),
    [("alexnet", 8), ("deepergooglenet", 3 + 7 * 6 + 1), ("minigooglenet", 0),
     ("minigooglenet(l2=0.0005)", 1 + 8 * 2 + 2 + 1), ("resnet18", 21)],
)  # fmt: skip
def test_penalty_is_on_every_kernel_or_on_none(spec: str, kernels: int) -> None:
    size = registry.create("architecture", spec).default_size
    model = build(spec, (*size, 3))
    penalised = [x for x in model.layers if getattr(x, "kernel_regularizer", None)]

    assert len(penalised) == kernels
    assert kernels in (0, len([x for x in model.layers if hasattr(x, "kernel")]))


@pytest.mark.parametrize(
    ("normalise", "order"),
    [
        ("before", ["conv1", "conv1_bn", "conv1_relu"]),
        ("after", ["conv1", "conv1_relu", "conv1_bn"]),
    ],
)
def test_minigooglenet_normalises_before_or_after_the_activation(
    normalise: str, order: list[str]
) -> None:
    layers = build(f"minigooglenet(normalise={normalise})", (32, 32, 3)).layers

    assert [layer.name for layer in layers[1:4]] == order


def norms_activations_convolutions(model: keras.Model, block: str) -> list[str]:
    """The main path of a block, in its order."""
    names = [layer.name for layer in model.layers if layer.name.startswith(f"{block}_")]
    return [n.removeprefix(f"{block}_") for n in names if not n.endswith(("shortcut", "add"))]


def test_preactivation_module_has_the_order_of_the_source() -> None:
    """(BN, ReLU, conv) x 3, and behind the last module BN, ReLU and pooling."""
    model = build("resnet56", (32, 32, 3))

    assert norms_activations_convolutions(model, "stage2_block2") == [
        "bn1", "relu1", "conv1", "bn2", "relu2", "conv2", "bn3", "relu3", "conv3",
    ]  # fmt: skip
    assert [model.get_layer(f"stage2_block1_conv{n}").strides[0] for n in (1, 2, 3)] == [1, 2, 1]
    assert [layer.name for layer in model.layers][-5:] == [
        "post_bn", "post_relu", "pool", "flatten", "predictions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "rates"),
    [
        ("minivggnet", [0.25, 0.25, 0.5]),
        ("alexnet", [0.25, 0.25, 0.25, 0.5, 0.5]),
        ("minigooglenet", [0.5]),
        ("deepergooglenet", [0.4]),
        ("lecture_cnn", []),
        ("lecture_cnn(variant=dropout)", [0.2, 0.2, 0.2, 0.2]),
        ("resnet56", []),
    ],
)
def test_units_are_dropped_as_in_the_source(spec: str, rates: list[float]) -> None:
    size = registry.create("architecture", spec).default_size
    layers = build(spec, (*size, 3)).layers

    assert [x.rate for x in layers if isinstance(x, keras.layers.Dropout)] == rates


@pytest.mark.parametrize(
    ("name", "size", "preprocessors", "l2"),
    [
        ("alexnet", 227, "mean", 2e-4),
        ("minigooglenet", 32, "mean(per=pixel)", None),
        ("deepergooglenet", 64, "mean", 5e-4),
        ("resnet(filters=(8, 8, 16, 16))", 32, "auto", 1e-4),
        ("resnet56", 32, "mean(per=pixel)", 1e-4),
        ("resnet_tiny_imagenet", 64, "mean", 1e-4),
        ("minivggnet", 32, "auto", None),
        ("lecture_cnn", 32, "auto", None),
    ],
)
def test_defaults_are_those_of_the_source(
    name: str, size: int, preprocessors: str, l2: float | None
) -> None:
    architecture = registry.create("architecture", name)
    penalties = {
        x.kernel_regularizer and round(float(x.kernel_regularizer.l2), 7)
        for x in build(name, (size, size, 3)).layers
        if hasattr(x, "kernel_regularizer")
    }

    assert architecture.default_size == (size, size)
    assert architecture.preprocessors == preprocessors
    assert penalties == {l2}


def test_convolutions_of_airbench_give_their_inputs_at_first() -> None:
    keras.utils.set_random_seed(0)
    model = registry.create("architecture", "airbench(filters=(4, 6))").build((8, 8, 3), 2)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    first = keras.Model(model.inputs, model.get_layer("block1_conv1").output)(images)

    np.testing.assert_allclose(first[..., :3], images / (1 + np.exp(-images)), atol=1e-6)
    others = keras.ops.convert_to_numpy(model.get_layer("block1_conv1").kernel)[..., 3:]
    assert 0.9 / np.sqrt(27) < np.abs(others).max() <= 1 / np.sqrt(27)


def test_half_width_quarters_the_weights_between_hidden_layers() -> None:
    whole, half = (build(f"minivggnet(width={w})", (32, 32, 3)) for w in (1.0, 0.5))

    for name in ("block1_conv2", "block2_conv1", "block2_conv2", "dense1"):
        assert half.get_layer(name).kernel.shape[-1] * 2 == whole.get_layer(name).kernel.shape[-1]
        assert np.prod(half.get_layer(name).kernel.shape) * 4 == np.prod(
            whole.get_layer(name).kernel.shape
        )


@pytest.mark.parametrize("name", ["alexnet", "minigooglenet", "lecture_cnn", "cnn", "resnet18"])
def test_half_width_leaves_about_a_quarter_of_the_parameters(name: str) -> None:
    size = registry.create("architecture", name).default_size
    whole, half = (build(f"{name}(width={w})", (*size, 3)).count_params() for w in (1.0, 0.5))

    assert half / whole == pytest.approx(0.25, abs=0.02)


def test_resnet_penalises_every_kernel() -> None:
    model = registry.create("architecture", "resnet(l2=0.25)").build((32, 32, 3), 10)
    kernels = [layer for layer in model.layers if hasattr(layer, "kernel")]

    assert len(kernels) == 1 + 3 * 4 + 1
    expected = sum(0.25 * float((layer.kernel.numpy() ** 2).sum()) for layer in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_penalty_of_the_modules_can_be_another_as_printed() -> None:
    model = build("resnet56(l2=5e-4, module_l2=1e-4)", (32, 32, 3))
    factors = {
        x.name: round(float(x.kernel_regularizer.l2), 7)
        for x in model.layers
        if getattr(x, "kernel_regularizer", None)
    }

    assert {n for n, l2 in factors.items() if l2 == 5e-4} == {"stem_conv", "predictions"}
    assert len([n for n, l2 in factors.items() if l2 == 1e-4]) == 27 * 3 + 3


def test_resnet_normalises_with_the_settings_of_the_source() -> None:
    model = build("resnet", (32, 32, 3))
    norms = [la for la in model.layers if isinstance(la, keras.layers.BatchNormalization)]

    assert norms
    assert {(la.epsilon, la.momentum) for la in norms} == {(2e-5, 0.9)}
    assert not any(la.use_bias for la in model.layers if isinstance(la, keras.layers.Conv2D))


def test_resnet_takes_the_shortcut_of_a_reducing_module_after_its_first_relu() -> None:
    model = build("resnet", (32, 32, 3))
    shortcut = model.get_layer("stage2_block1_shortcut")

    assert shortcut.input is model.get_layer("stage2_block1_relu1").output
    assert shortcut.strides == (2, 2)


def test_original_modules_end_with_a_relu_after_the_addition() -> None:
    for kind in ("basic", "bottleneck"):
        model = build(TINY.format(kind), (32, 32, 3))
        names = [layer.name for layer in model.layers]

        assert names[names.index("stage1_block1_add") + 1] == "stage1_block1_relu"
        assert "post_bn" not in names


def test_filters_that_do_not_match_the_stages_are_refused() -> None:
    expected = (
        r"^ResNetTinyImageNet: 2 stages need 3 numbers of filters \(the stem's first\), not 4"
    )
    with pytest.raises(DlcvError, match=expected):
        registry.create("architecture", "resnet_tiny_imagenet(stages=(1, 1))")


# Keras's networks, and what needs a preset or another network, have tests of their own.
OURS = [
    n for n in registry.names("architecture")
    if not n.startswith("kerashub")
    and not hasattr(cls := registry.get("architecture", n), "keras_name")
    and not any(option.required for option in options_of(cls).values())
]  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_networks_build_with_channels_first(name: str) -> None:
    height, width = registry.create("architecture", name).default_size
    keras.config.set_image_data_format("channels_first")
    try:
        first = build(name, (3, height, width), 7)
    finally:
        keras.config.set_image_data_format("channels_last")
    last = build(name, (height, width, 3), 7)

    assert first.count_params() == last.count_params()
    assert first.output.shape == (None, 7)
