"""What a layer responds to: the kernels of the first convolution, and the maps of any layer."""

from typing import Any

import keras
import numpy as np

from dlcv.api import Run, open_inputs
from dlcv.errors import DlcvError
from dlcv_plugins.commands.look.layers import all_layers, channels_last, chosen_layer, tapped


def first_filters(run: Run) -> tuple[str, np.ndarray]:
    """Returns the filters of the first convolution as images.

    Each filter is scaled by itself: 128 is a weight of zero, 0 and 255 are its largest size.

    Args:
        run: The run.

    Returns:
        The layer's name, and `(filters, height, width, channels)` uint8.

    Raises:
        DlcvError: the network has no convolution, or its first one does not take pixels.
    """
    named = {n: x for n, x in all_layers(run.model) if isinstance(x, keras.layers.Conv2D)}
    if not named:
        raise DlcvError(f"{run.model.name} has no convolution, so it has no filters to look at")
    name, layer = next(iter(named.items()))
    kernel = keras.ops.convert_to_numpy(keras.ops.cast(layer.kernel, "float32"))
    if kernel.shape[2] not in (1, 3):
        raise DlcvError(
            f"the filters of {name} have {kernel.shape[2]} channels, which are no colors"
        )
    filters = np.moveaxis(kernel, -1, 0)
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    shares = np.divide(filters, largest, out=np.zeros_like(filters), where=largest > 0)
    return name, np.round(127.5 + 127.5 * shares).astype(np.uint8)


def feature_maps(
    run: Run, image: Any, *, layer: str | None = None
) -> tuple[str, np.ndarray, np.ndarray]:
    """Returns what a layer makes of an image.

    Args:
        run: The run.
        image: A path or an image, as `Run.predict` takes it.
        layer: The layer; None for the first convolution.

    Returns:
        The layer's name, the image as the network sees it, `(H, W, C)` uint8, and the layer's
        maps, `(height, width, maps)` float32.

    Raises:
        DlcvError: there is no such layer, or its output are no maps.
        ImageError: the image can't be read or processed.
    """
    opened = open_inputs([image], run.channels, run.bit_depth)
    name, watched = chosen_layer(run.model, layer, default=0)
    pixels = run.loader(opened).batch(0, 0, np.arange(1))[0]
    with tapped(watched) as outputs:
        run.model(pixels, training=False)
    return name, pixels[0], channels_last(outputs[-1])[0]
