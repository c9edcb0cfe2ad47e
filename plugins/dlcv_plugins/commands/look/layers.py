"""The layers of a trained network, those of networks within it too, and what comes out of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from dlcv.errors import DlcvError, suggestion


def all_layers(network: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.Layer]]:
    """Yields layers with their names; those of a network within have its name in front of theirs.

    The layers of a network within, `base/conv1`, come before it itself, `base`.
    """
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from all_layers(layer, f"{prefix}{layer.name}/")
        yield prefix + layer.name, layer


def map_layers(network: keras.Model) -> dict[str, keras.Layer]:
    """Returns the layers from the first convolution on whose output are maps of several places.

    Raises:
        DlcvError: the network has no convolution, or none that leaves several places.
    """
    named = list(all_layers(network))
    first = next((i for i, (_, layer) in enumerate(named) if _convolves(layer)), None)
    if first is None:
        raise DlcvError(f"{network.name} has no convolution, so it has no maps to look at")
    found = {
        name: layer
        for name, layer in named[first:]
        if not isinstance(layer, keras.layers.InputLayer) and _has_places(layer)
    }
    if not found:
        height, width = network.input_shape[1:3]
        raise DlcvError(
            f"{network.name} makes single numbers of {height} x {width} pixels, so it has no maps "
            "to look at"
        )
    return found


def chosen_layer(network: keras.Model, name: str | None, *, default: int) -> tuple[str, Any]:
    """Returns a layer with maps, and its name.

    Args:
        network: The network.
        name: The layer's name, `base/conv1` where it is in a network within; None for the default.
        default: Its position among the layers with maps.

    Raises:
        DlcvError: there is no such layer, or its output has no height and width.
    """
    maps = map_layers(network)
    name = name or list(maps)[default]
    if name in maps:
        return name, maps[name]
    if name in (known := dict(all_layers(network))):
        raise DlcvError(
            f"the layer {name} gives {_what_it_gives(known[name])}; layers with maps go from "
            f"{next(iter(maps))} to {list(maps)[-1]}"
        )
    hint = suggestion(name, known) or "; dlcv inspect RUN lists the layers"
    raise DlcvError(f'the network has no layer "{name}"{hint}')


@contextmanager
def tapped(
    layer: keras.Layer, change: Callable[[Any], Any] = lambda output: output
) -> Iterator[list[Any]]:
    """Keeps what comes out of a layer, wherever it is, while the context lasts.

    Networks within networks have no tensors of the outer one, so that the layer can't be made an
    output of a new network; its call can be watched.

    Args:
        layer: The layer.
        change: What happens to its output before the layers that follow see it.
    """
    outputs: list[Any] = []
    call = layer.call

    def watched(*args: Any, **options: Any) -> Any:
        outputs.append(change(call(*args, **options)))
        return outputs[-1]

    layer.call = watched
    try:
        yield outputs
    finally:
        del layer.call


def channels_last(maps: Any) -> np.ndarray:
    """Returns maps `(N, H, W, C)` float32, whatever order of axes Keras is configured for."""
    array = keras.ops.convert_to_numpy(keras.ops.cast(maps, "float32"))
    is_first = keras.config.image_data_format() == "channels_first"
    return np.moveaxis(array, 1, -1) if is_first else array


def _convolves(layer: keras.Layer) -> bool:
    """Returns whether a layer is, or holds, a convolution: only their kernels have four axes."""
    return any(len(weight.shape) == 4 for weight in layer.weights)


def _what_it_gives(layer: keras.Layer) -> str:
    if _has_places(layer):
        return "the image before the first convolution"
    shape = getattr(getattr(layer, "output", None), "shape", None)
    return f"values of shape {tuple(shape[1:])}, not maps" if shape else "no maps"


def _has_places(layer: keras.Layer) -> bool:
    shape = getattr(getattr(layer, "output", None), "shape", ())
    if len(shape) != 4:
        return False
    is_first = keras.config.image_data_format() == "channels_first"
    places = shape[2:] if is_first else shape[1:3]
    return None in places or int(np.prod(places)) > 1
