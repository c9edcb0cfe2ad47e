"""ResNets of the ImageNet family that take PyTorch's weights; the larger ones come with Keras."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, option, plugin, scaled, softmax_layer
from dlcv_plugins.architectures.residual import Module, Modules, penalty
from dlcv_plugins.weights.state_dict import Entry, read_layers

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class ResNet18(Architecture):
    """The residual network of 18 layers for 224 x 224 images (He et al., 2015), to start with."""

    default_size = (224, 224)
    stages: ClassVar[tuple[int, ...]] = (2, 2, 2, 2)
    module: ClassVar[Module] = "basic"
    filters: ClassVar[int] = 64

    l2: float = option(1e-4, help="factor of the L2 penalty on all kernels", ge=0)
    width: float = option(1.0, help="factor on the number of filters", gt=0)
    variant: Literal["keras", "pytorch"] = option(
        "keras", help="pytorch pads strided convolutions as torchvision's and timm's weights need"
    )

    @property
    def preprocessors(self) -> str:
        """For PyTorch's weights ImageNet's mean and deviation, else the default."""
        return "imagenet_input(mode=torch)" if self.variant == "pytorch" else super().preprocessors

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """Convolution 7 x 7, pooling, four stages of 64 to 512 filters, global average pooling."""
        from keras import layers

        modules = Modules(self.l2, pytorch=self.variant == "pytorch")
        x = modules.convolve(x, scaled(64, self.width), 7, "stem_conv", 2)
        x = modules.normalise_activate(x, "stem_{}")
        x = layers.ZeroPadding2D(1, name="stem_pad")(x)
        x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
        for stage, block, reduces in self._blocks():
            x = modules.add(
                self.module,
                x,
                scaled(self.filters * 2 ** (stage - 1), self.width),
                f"stage{stage}_block{block}",
                strides=2 if block == 1 and stage > 1 else 1,
                reduce=reduces,
            )
        return layers.GlobalAveragePooling2D(name="pool")(x)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """Softmax, with the L2 penalty."""
        return softmax_layer(classes, kernel_regularizer=penalty(self.l2))(x)

    def read_weights(self, path: Path) -> "dict[str, list[np.ndarray]]":
        """Reads a state dictionary of torchvision or timm, `.pth` or `.safetensors`."""
        if self.variant != "pytorch":
            name = type(self).__name__.lower()
            raise DlcvError(f"{path}: PyTorch's weights need {name}(variant=pytorch)")
        return read_layers(path, self._names())

    def _blocks(self) -> Iterator[tuple[int, int, bool]]:
        """Yields stage and block, from 1, and whether the shortcut is a convolution."""
        for stage, count in enumerate(self.stages, start=1):
            for block in range(1, count + 1):
                yield stage, block, block == 1 and (stage > 1 or self.module == "bottleneck")

    def _names(self) -> dict[str, tuple[Entry, ...]]:
        """Returns where each layer is in torchvision's and timm's files."""
        names = {
            "stem_conv": Entry("conv", "conv1"),
            "stem_bn": Entry("norm", "bn1"),
            "predictions": Entry("dense", "fc", bias=True),
        }
        for stage, block, reduces in self._blocks():
            ours, theirs = f"stage{stage}_block{block}", f"layer{stage}.{block - 1}"
            for number in range(1, 4 if self.module == "bottleneck" else 3):
                names[f"{ours}_conv{number}"] = Entry("conv", f"{theirs}.conv{number}")
                names[f"{ours}_bn{number}"] = Entry("norm", f"{theirs}.bn{number}")
            if reduces:
                names[f"{ours}_shortcut"] = Entry("conv", f"{theirs}.downsample.0")
                names[f"{ours}_shortcut_bn"] = Entry("norm", f"{theirs}.downsample.1")
        return {layer: (entry,) for layer, entry in names.items()}


@plugin
class ResNet34(ResNet18):
    """The residual network of 34 layers for 224 x 224 images (He et al., 2015)."""

    stages: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)


@plugin
class ResNet50V15(ResNet18):
    """ResNet-50 as in PyTorch (v1.5): bottlenecks halve the image in their 3 x 3 convolution."""

    stages: ClassVar[tuple[int, ...]] = (3, 4, 6, 3)
    module: ClassVar[Module] = "bottleneck"
    filters: ClassVar[int] = 256

    variant: Literal["keras", "pytorch"] = option(
        "pytorch", help="keras halves the image in the first convolution, and pads as Keras does"
    )
