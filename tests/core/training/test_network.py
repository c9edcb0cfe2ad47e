"""The network of a run: its precision, and what it says of sizes that it can't take."""

import keras
import pytest

from dlcv import registry
from dlcv.config import StageConfig
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.training.network import build_network
from dlcv_plugins.training.compiling import compile_stage

CONSTANT = registry.create("schedule", "constant")


def build(spec="lenet(width=0.1)", size=16, precision="float32"):
    pipeline = Pipeline.of(registry.create_list("preprocessor", "scale"))
    architecture = registry.create("architecture", spec)
    return build_network(architecture, pipeline, (size, size, 3), 4, precision)


@pytest.mark.parametrize(
    ("precision", "scales"),
    [("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)],
)
def test_loss_is_scaled_where_small_gradients_would_vanish(precision, scales):
    model = build(precision=precision)
    compile_stage(model, StageConfig(), CONSTANT, 3)

    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == scales
    assert model.get_layer("conv1").compute_dtype == precision.removeprefix("mixed_")
    assert {model.get_layer(n).compute_dtype for n in ("scale", "predictions")} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_size_that_a_network_can_not_take_is_named():
    with pytest.raises(
        DlcvError, match=r"LeNet can't take images of 2 x 2 .* input_size"
    ) as caught:
        build(size=2)
    assert str(caught.value) == (
        "LeNet can't take images of 2 x 2 pixels with 3 channels (Computed output size would be "
        "zero or negative); the smallest input_size that it can take is 4"
    )


def test_graph_is_flat_and_takes_bytes():
    model = build()

    assert [layer.name for layer in model.layers][:3] == ["pixels", "scale", "conv1"]
    assert model.inputs[0].dtype == "uint8"


@pytest.mark.parametrize(
    ("spec", "size", "smallest"),
    [("lenet", 3, 4), ("minigooglenet(width=0.1)", 16, 31), ("alexnet(width=0.01)", 32, 57)],
)
def test_smallest_size_that_would_do_is_named(spec, size, smallest):
    with pytest.raises(DlcvError, match=rf"the smallest input_size .* is {smallest}$"):
        build(spec, size)
    # It is true.
    assert build(spec, smallest).output.shape == (None, 4)


def test_value_step_that_can_not_take_the_channels_is_named():
    steps = registry.create_list("preprocessor", "imagenet_input")
    architecture = registry.create("architecture", "lenet")
    with pytest.raises(DlcvError, match=r"imagenet_input: .* these have 1; read them in color"):
        build_network(architecture, Pipeline.of(steps), (16, 16, 1), 4, "float32")
