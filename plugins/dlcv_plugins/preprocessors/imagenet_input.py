"""The values that networks trained on ImageNet expect."""

from typing import TYPE_CHECKING, Literal

from dlcv.errors import DlcvError
from dlcv.interfaces import Images, Preprocessor, option, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np

CAFFE_MEAN = (103.939, 116.779, 123.68)
TORCH_MEAN = (0.485, 0.456, 0.406)
TORCH_DEVIATION = (0.229, 0.224, 0.225)


@plugin
class ImageNetInput(Preprocessor):
    """Turns bytes into the values that a network trained on ImageNet expects, as Keras does.

    `caffe` (VGG, ResNet): blue first, ImageNet's mean subtracted. `tf` (Inception, MobileNet,
    ResNetV2, ...): from -1 to 1. `torch` (DenseNet): from 0 to 1, then ImageNet's mean and
    deviation. Each network of Keras Applications names its own where nothing else is asked for.
    """

    mode: Literal["caffe", "tf", "torch"] = option("caffe", help="which of Keras's three ways")

    def __call__(self, images: Images, rng: "np.random.Generator | None" = None) -> Images:
        """Computes the values of a batch, float32."""
        import numpy as np

        values = np.asarray(images, np.float32)
        if self.mode == "tf":
            return values / np.float32(127.5) - np.float32(1)
        if values.shape[-1] != 3:
            raise DlcvError(
                f"imagenet_input: mode {self.mode} is for RGB images of 3 channels, and these have "
                f"{values.shape[-1]}; read them in color, or use mode=tf"
            )
        if self.mode == "caffe":
            return values[..., ::-1] - np.array(CAFFE_MEAN, np.float32)
        scaled = values / np.float32(255) - np.array(TORCH_MEAN, np.float32)
        return scaled / np.array(TORCH_DEVIATION, np.float32)

    def as_layer(self) -> "keras.Layer":
        """Keras's own `preprocess_input`, as a network of its own: it takes several operations."""
        import keras

        channels = None if self.mode == "tf" else 3
        inputs = keras.Input((None, None, channels), dtype="float32")
        outputs = keras.applications.imagenet_utils.preprocess_input(
            inputs, data_format="channels_last", mode=self.mode
        )
        return keras.Model(inputs, outputs, name="imagenet_input")
