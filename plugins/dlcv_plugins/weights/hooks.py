"""Lets runs begin with weights of Keras's files, and of those that a network itself reads."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from dlcv import hook
from dlcv.interfaces import Architecture


@hook(trylast=True)
def dlcv_weights(
    path: Path, architecture: Architecture | None
) -> AbstractContextManager[Mapping[str, Sequence[Any]]]:
    """Opens a file of Keras, or lets the network read it."""
    from dlcv_plugins.weights.keras_files import WEIGHT_FILES

    if architecture is None or path.name.endswith(WEIGHT_FILES):
        return _layers(path)
    return nullcontext(architecture.read_weights(path))


@contextmanager
def _layers(path: Path) -> Iterator[Mapping[str, Sequence[Any]]]:
    from dlcv_plugins.weights.keras_files import open_weights

    with open_weights(path) as stored:
        yield {layer.name: layer.arrays for layer in stored}
