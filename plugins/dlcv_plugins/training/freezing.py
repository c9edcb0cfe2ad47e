"""Which layers a stage trains: all, the head, a slice by index, or those of some names."""

import fnmatch
import math
import re

import keras

from dlcv.api import Network
from dlcv.errors import DlcvError, suggestion

SLICE = re.compile(r"(-?\d*):(-?\d*)")


def freeze(network: Network, trainable: str) -> None:
    """Lets some of a network's layers be trained, and no others.

    Batch normalization in a frozen layer works as in prediction, and keeps its statistics. What
    the architecture itself keeps from being trained stays so. A network must be compiled after it.

    Args:
        network: The network.
        trainable: What is trained, separated by commas: `all`, `head`, slices of indices such as
            `15:`, patterns of names; indices are those of `dlcv inspect`, where the input has 0.

    Raises:
        DlcvError: it names no layer, or none that has weights.
    """
    chosen = {layer.name for layer in chosen_layers(network, trainable)}
    for layer in network.own_layers:
        layer.trainable = layer.name in chosen - network.fixed
    if not network.model.trainable_variables:
        weighted = [layer for layer in network.own_layers if layer.count_params()]
        last = f"; the last layer with weights is {weighted[-1].name}" if weighted else ""
        names = ", ".join(sorted(chosen))
        reason = f"there are no weights to train in {names}" if names else "no layer is in it"
        raise DlcvError(f"trainable={trainable} trains nothing: {reason}{last}")


def chosen_layers(network: Network, trainable: str) -> list[keras.Layer]:
    """Returns the layers that are named; raises `DlcvError` as `freeze` does."""
    chosen = {
        layer.name for part in trainable.split(",") for layer in _named(network, part.strip())
    }
    return [layer for layer in network.own_layers if layer.name in chosen]


def trained_parameters(model: keras.Model) -> int:
    """Returns how many numbers the training of a network changes."""
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def _named(network: Network, text: str) -> list[keras.Layer]:
    if text == "all":
        return network.own_layers
    if text == "head":
        return network.head_layers
    if match := SLICE.fullmatch(text):
        return _slice(network.own_layers, text, match[1], match[2])
    return _matching(network.own_layers, text)


def _slice(layers: list[keras.Layer], text: str, first: str, end: str) -> list[keras.Layer]:
    with_input = [None, *layers]
    count = len(with_input)
    bounds = [int(bound) if bound else None for bound in (first, end)]
    start = bounds[0] or 0
    if not -count <= start < count or not -count <= (bounds[1] or 0) <= count:
        raise DlcvError(
            f"trainable={text} goes beyond the network, whose {count} layers have the indices 0 to "
            f"{count - 1}; the last is {layers[-1].name}"
        )
    return [layer for layer in with_input[slice(*bounds)] if layer is not None]


def _matching(layers: list[keras.Layer], pattern: str) -> list[keras.Layer]:
    names = [layer.name for layer in layers]
    matches = fnmatch.filter(names, pattern)
    if not matches:
        hint = suggestion(pattern, [*names, "all", "head"]) or "; `dlcv inspect` lists them"
        raise DlcvError(f'trainable: no layer is named "{pattern}"{hint}')
    return [layer for layer in layers if layer.name in matches]
