"""The networks of KerasHub that classify images, by the names of their presets."""

import json
from typing import TYPE_CHECKING, Literal, Self

from dlcv.errors import DlcvError, first_line
from dlcv.interfaces import Architecture, channel_axis, evolve, option, plugin, softmax_layer
from dlcv_plugins.weights import presets

if TYPE_CHECKING:
    import keras

DEFAULT_SIZE, ANY_SHAPE, CHANNELS = (224, 224), (None, None, 3), (1, 3, 4)
CLASS_TOKEN_FIRST = frozenset(
    {"DeiTBackbone", "DINOV2Backbone", "DINOV3Backbone", "ViTBackbone"}
    | {"CLIPVisionEncoder", "MetaCLIP2VisionEncoder"}
)
"""Transformers whose first token stands for the whole image; others are averaged over all."""


@plugin
class KerasHub(Architecture):
    """A network of KerasHub with its weights, such as DINOv2, ViT or SigLIP, by its preset's name.

    All networks for which the installed KerasHub has an image classifier, and DINOv2, DINOv3 and
    the image encoders of CLIP, MetaCLIP 2 and SigLIP. https://keras.io/keras_hub/presets lists the
    presets; KerasHub downloads one when it is first used.
    """

    preset: str = option(
        help="a preset's name, such as dinov2_small; its folder, such as './my_preset'; or its "
        "address, such as 'hf://user/model'"
    )
    weights: Literal["preset", "random"] = option(
        "preset", help="what to begin with: the preset's weights, or random ones"
    )
    config: str | None = option(
        None,
        help="the network's configuration as JSON; a run fills it in, and needs the preset no more",
    )

    @property
    def default_size(self) -> tuple[int, int]:
        """The preset's own size; 224 x 224 where it takes any and names none."""
        found = None if self.config is not None else presets.image_conversion(self.preset)
        if found is not None and found.size is not None:
            return found.size
        shape = json.loads(self._configuration())["config"].get("image_shape") or ANY_SHAPE
        height, width = shape[:2] if shape[2] in CHANNELS else shape[1:]
        return (height, width) if height and width else DEFAULT_SIZE

    @property
    def preprocessors(self) -> str:
        """The preset's own way of resizing, to its own size, and its own values."""
        found = presets.image_conversion(self.preset)
        if found is None:
            return "aspect_aware, scale"
        resize = "simple" if found.stretches else "aspect_aware"
        return f"{resize}, scale(factor={found.factor!r}, offset={found.offset!r})"

    def prepare(self) -> Self:
        """Fills in the configuration, with the preset's image size."""
        about = json.loads(self._configuration())
        about["config"]["image_shape"] = (*self.default_size, 3)
        config = json.dumps(about, separators=(",", ":"))
        return evolve(self, preset=presets.absolute(self.preset), config=config)

    def features(self, x: "keras.KerasTensor") -> "keras.KerasTensor":
        """The backbone as one layer, and a vector of the whole image: a class token or an average.

        Its layers are not those of the network, as elsewhere, since Keras can't read many of them
        from a file one by one.
        """
        from keras import layers

        if self.weights == "preset" and x.shape[channel_axis()] != 3:
            raise DlcvError(
                f"kerashub: the weights of {self.preset} need images of 3 channels, and these have "
                f"{x.shape[channel_axis()]}; read them in color, or use weights=random"
            )
        backbone = self._build(tuple(x.shape[1:]))
        named = backbone.input
        y = backbone({next(iter(named)): x} if isinstance(named, dict) else x)
        if isinstance(y, dict):
            y = [*y.values()][-1]  # The last of several scales.
        if len(y.shape) == 4:
            return layers.GlobalAveragePooling2D(name="pool")(y)
        if len(y.shape) == 2:
            return y
        has_token = getattr(backbone, "use_class_token", True)
        if type(backbone).__name__ in CLASS_TOKEN_FIRST and has_token:
            return y[:, 0]
        return layers.GlobalAveragePooling1D(name="pool", data_format="channels_last")(y)

    def classify(self, x: "keras.KerasTensor", classes: int) -> "keras.KerasTensor":
        """A softmax."""
        return softmax_layer(classes)(x)

    def load_pretrained(self, network: "keras.Model") -> None:
        """Loads the preset's weights, downloaded or found in KerasHub's cache or in a folder."""
        if self.weights == "random":
            return
        import keras

        layer = network.get_layer(presets.LAYER)
        image_shape = tuple(keras.tree.flatten(layer.input)[0].shape[1:])
        try:
            layer.set_weights(presets.pretrained(self.preset, image_shape).get_weights())
        except (DlcvError, ValueError) as error:
            if image_shape == (*self.default_size, 3):
                raise
            reason = str(error) if isinstance(error, DlcvError) else first_line(error)
            height, width = self.default_size
            raise DlcvError(
                f"{reason}; the preset is for images of {height} x {width} pixels, "
                "use that as the input size"
            ) from error

    def _configuration(self) -> str:
        return presets.configuration(self.preset) if self.config is None else self.config

    def _build(self, image_shape: tuple[int, ...]) -> "keras.Model":
        try:
            return presets.build(self._configuration(), image_shape)
        except ValueError as error:
            height, width = self.default_size
            raise DlcvError(
                f"kerashub: {self.preset} can't take images of the shape {image_shape} "
                f"({first_line(error)}); its own size is {height} x {width}"
            ) from error
