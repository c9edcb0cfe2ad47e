"""The networks of Keras Applications, each by its own name, with or without ImageNet's weights."""

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Architecture,
    channel_axis,
    flatten,
    option,
    plugin,
    softmax_layer,
)
from dlcv_plugins.weights.loading import copy_weights, load_weights

if TYPE_CHECKING:
    import keras


@attrs.frozen
class Family:
    """What networks of one paper have in common.

    Attributes:
        paper: The authors and the year.
        mode: How ImageNet's pixels were brought to values, as `imagenet_input` names it; empty
            where the network does it itself.
        smallest: The smallest height and width, in pixels, that Keras takes.
        top: The layers between the body and the softmax: `pooled`, `dense` (VGG's two dense
            layers), or `convolution` (that of MobileNetV3).
        pools: Whether the body ends with the pooling, for Keras normalises after it.
        models: The default height and width, and the share that is dropped before the softmax or
            the units of the top, by the name of Keras's function.
    """

    paper: str
    mode: Literal["caffe", "tf", "torch", ""]
    models: dict[str, tuple[int, float]]
    smallest: int = 32
    top: Literal["pooled", "dense", "convolution"] = "pooled"
    pools: bool = False


FAMILIES = (
    Family(
        "Simonyan and Zisserman, 2014",
        "caffe",
        {"VGG16": (224, 4096), "VGG19": (224, 4096)},
        top="dense",
    ),
    Family(
        "He et al., 2015",
        "caffe",
        {"ResNet50": (224, 0), "ResNet101": (224, 0), "ResNet152": (224, 0)},
    ),
    Family(
        "He et al., 2016",
        "tf",
        {"ResNet50V2": (224, 0), "ResNet101V2": (224, 0), "ResNet152V2": (224, 0)},
    ),
    Family("Szegedy et al., 2015", "tf", {"InceptionV3": (299, 0)}, smallest=75),
    Family("Szegedy et al., 2016", "tf", {"InceptionResNetV2": (299, 0)}, smallest=75),
    Family("Chollet, 2016", "tf", {"Xception": (299, 0)}, smallest=71),
    Family("Howard et al., 2017", "tf", {"MobileNet": (224, 1e-3)}),
    Family("Sandler et al., 2018", "tf", {"MobileNetV2": (224, 0)}),
    Family(
        "Howard et al., 2019",
        "",
        {"MobileNetV3Small": (224, 1024), "MobileNetV3Large": (224, 1280)},
        top="convolution",
    ),
    Family(
        "Huang et al., 2016",
        "torch",
        {"DenseNet121": (224, 0), "DenseNet169": (224, 0), "DenseNet201": (224, 0)},
    ),
    Family("Zoph et al., 2017", "tf", {"NASNetMobile": (224, 0), "NASNetLarge": (331, 0)}),
    Family(
        "Tan and Le, 2019",
        "",
        {
            "EfficientNetB0": (224, 0.2),
            "EfficientNetB1": (240, 0.2),
            "EfficientNetB2": (260, 0.3),
            "EfficientNetB3": (300, 0.3),
            "EfficientNetB4": (380, 0.4),
            "EfficientNetB5": (456, 0.4),
            "EfficientNetB6": (528, 0.5),
            "EfficientNetB7": (600, 0.5),
        },
    ),
    Family(
        "Tan and Le, 2021",
        "",
        {
            "EfficientNetV2B0": (224, 0.2),
            "EfficientNetV2B1": (240, 0.2),
            "EfficientNetV2B2": (260, 0.2),
            "EfficientNetV2B3": (300, 0.2),
            "EfficientNetV2S": (384, 0.2),
            "EfficientNetV2M": (480, 0.2),
            "EfficientNetV2L": (480, 0.2),
        },
    ),
    Family(
        "Liu et al., 2022",
        "",
        {
            "ConvNeXtTiny": (224, 0),
            "ConvNeXtSmall": (224, 0),
            "ConvNeXtBase": (224, 0),
            "ConvNeXtLarge": (224, 0),
            "ConvNeXtXLarge": (224, 0),
        },
        pools=True,
    ),
)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@plugin
class KerasApplication(Architecture):
    """A network of Keras Applications."""

    family: ClassVar[Family]
    keras_name: ClassVar[str]

    weights: Literal["imagenet"] | Path | None = option(
        None, help="imagenet, or a file or run with weights of the body; random if left out"
    )

    @property
    def default_size(self) -> tuple[int, int]:
        """The size of the paper's images."""
        return (self.family.models[self.keras_name][0],) * 2

    @property
    def preprocessors(self) -> str:
        """What Keras's `preprocess_input` of this network does; nothing where it is inside."""
        return f"imagenet_input(mode={self.family.mode})" if self.family.mode else ""

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """The body, as Keras builds it."""
        self._check_shape(x)
        options = {"input_tensor": x, "input_shape": tuple(x.shape[1:])}
        if channel_axis() == 1 and self.keras_name.startswith("MobileNet"):
            # With channels first Keras compares a height with the channels there.
            del options["input_shape"]
        body = self._body(**options)
        if self.weights is not None:
            _normalise_as_imagenet(body)
        return body.output

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """The paper's own classifier, as Keras builds it."""
        from keras import layers

        _, extra = self.family.models[self.keras_name]
        if self.family.top == "dense":
            x = flatten(x)
            for name in ("fc1", "fc2"):
                x = layers.Dense(int(extra), activation="relu", name=name)(x)
            return softmax_layer(classes)(x)
        convolves = self.family.top == "convolution"
        if not self.family.pools:
            x = layers.GlobalAveragePooling2D(keepdims=convolves, name="avg_pool")(x)
        if convolves:
            x = layers.Conv2D(int(extra), 1, name="conv_2")(x)
            x = layers.Activation("hard_swish", name="conv_2_hard_swish")(x)
            x = flatten(layers.Dropout(0.2, name="top_dropout")(x))
        elif extra:
            x = layers.Dropout(extra, name="top_dropout")(x)
        return softmax_layer(classes)(x)

    def load_pretrained(self, network: "keras.Model") -> None:
        """Loads ImageNet's weights, downloaded or found in Keras's cache, or those of a file."""
        if self.weights is None:
            return
        if isinstance(self.weights, Path):
            body = self._body()
            load_weights(body, self.weights)
        else:
            try:
                # Keras tells of a download on the standard output, where results are.
                with contextlib.redirect_stdout(sys.stderr):
                    body = self._body(weights="imagenet")
            except Exception as error:
                # Keras wraps what urllib raises into a plain exception.
                raise self._unavailable(error) from error
        copy_weights(body, network)

    def _body(self, **options: Any) -> "keras.Model":
        """Calls Keras's function, and names the layers as a fresh process would."""
        import keras

        make = getattr(keras.applications, self.keras_name)
        pooling = "avg" if self.family.pools else None
        body = make(include_top=False, pooling=pooling, **{"weights": None, **options})
        _renumber(body.layers)
        return body

    def _check_shape(self, x: "keras.KerasTensor") -> None:
        channels = x.shape[channel_axis()]
        height, width = x.shape[1:3] if channel_axis() == -1 else x.shape[2:4]
        name, smallest = self.keras_name.lower(), self.family.smallest
        if self.weights is not None and channels != 3:
            raise DlcvError(
                f"{name}: pretrained weights need images of 3 channels, and these have {channels}; "
                "read them in color, or leave weights out"
            )
        if min(height, width) < smallest:
            raise DlcvError(
                f"{name} can't take images of {height} x {width} pixels; the smallest that it "
                f"takes are {smallest} x {smallest}: choose another input_size"
            )

    def _unavailable(self, error: Exception) -> DlcvError:
        """Returns what to do where Keras has no weights and can't download them."""
        found = re.search(r"https?://\S+?(?=:?\s|$)", str(error))
        if found is None:
            return DlcvError(f"{self.keras_name.lower()}: Keras can't load its weights: {error}")
        url = found[0]
        # Keras keeps NASNet's files under other names than it downloads them from.
        name = url.rpartition("/")[2].replace("NASNet-", "nasnet_")
        name = name.replace("-", "_") if name.startswith("nasnet_") else name
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
        return DlcvError(
            f"{self.keras_name.lower()}: the ImageNet weights can't be downloaded from {url} "
            f"({str(error).rpartition('-- ')[2]}); get that file elsewhere and put it where Keras "
            f'looks, {folder / name}, or name it with weights="PATH"'
        )


def _normalise_as_imagenet(body: "keras.Model") -> None:
    """Gives the first EfficientNets the mean and variance of ImageNet's pixels.

    Keras does so with the weights, and with a further layer that is only there for `imagenet`: its
    files hold the deviation where the variance belongs. In a network whose weights come from
    elsewhere, as in a run that is loaded, they must be there without.
    """
    import numpy as np

    for layer in body.layers:
        if type(layer).__name__ == "Normalization" and layer.weights:
            layer.adapt_mean.assign(np.array(IMAGENET_MEAN))
            layer.adapt_variance.assign(np.array(IMAGENET_DEVIATION) ** 2)
            layer.finalize_state()


def _renumber(layers: "list[keras.Layer]") -> None:
    """Gives layers that Keras numbered the numbers that they have in a fresh process."""
    numbered: dict[str, list[tuple[int, keras.Layer]]] = {}
    for layer in layers:
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        if found := re.fullmatch(rf"{kind}(?:_(\d+))?", layer.name):
            numbered.setdefault(kind, []).append((int(found[1] or 0), layer))
    for kind, several in numbered.items():
        for index, (_, layer) in enumerate(sorted(several, key=lambda item: item[0])):
            layer.name = f"{kind}_{index}" if index else kind


def _plugins() -> dict[str, type[KerasApplication]]:
    """Returns a plugin class for each network."""
    return {
        name: plugin(
            type(
                name,
                (KerasApplication,),
                {
                    "__doc__": f"{name} of Keras Applications ({family.paper}).",
                    "__module__": __name__,
                    "family": family,
                    "keras_name": name,
                },
            )
        )
        for family in FAMILIES
        for name in family.models
    }


globals().update(_plugins())
