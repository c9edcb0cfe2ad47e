"""Weights to begin with: those of a run, or of a file that Keras wrote, by layer and shape.

Only arrays are read, and only those whose shapes the network has: nothing in a file is executed,
and none of it decides how much memory is taken.
"""

import hashlib
import io
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np

from dlcv.errors import DlcvError
from dlcv.training import checkpoints
from dlcv.training.checkpoints import Checkpoint
from dlcv.training.network import Network

logger = logging.getLogger(__name__)
KERAS_FILES = (".weights.h5", ".keras")
IN_ARCHIVE = "model.weights.h5"
LARGEST_RATIO = 10
"""Weights hardly shrink when they are packed; what grows more than that is no file of weights."""


@attrs.frozen(eq=False)
class Source:
    """Weights from elsewhere.

    Attributes:
        path: The file.
        sha256: Its checksum.
        layers: The weights of each layer, in Keras's order: arrays, or what is read as one.
    """

    path: Path
    sha256: str
    layers: Mapping[str, list[Any]]

    @property
    def record(self) -> dict[str, str]:
        """What a run keeps of it."""
        return {"path": str(self.path), "sha256": self.sha256}


def open_source(path: Path) -> Source:
    """Opens a run's folder (its last checkpoint), a checkpoint, or a file of Keras.

    Raises:
        DlcvError: it is none of these, or damaged.
    """
    if path.is_dir():
        found = checkpoints.load_newest(path / "checkpoints")
        if found is None:
            raise DlcvError(f"{path} holds no checkpoint; is it a run?")
        return _from_checkpoint(*found)
    if not path.is_file():
        raise DlcvError(f"no such file or run with weights: {path}")
    if path.name.endswith(checkpoints.SUFFIX):
        return _from_checkpoint(checkpoints.load(path), path)
    if not path.name.endswith(KERAS_FILES):
        raise DlcvError(f"{path} is no run, and files of weights end in {' or '.join(KERAS_FILES)}")
    try:
        return _from_keras(path)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise DlcvError(f"{path} can't be read as weights: {error}") from None


def load_into(network: Network, source: Source) -> None:
    """Gives a network's layers the weights of those of the same names; all of them or none.

    What the source does not have, or has for another number of classes, stays at random in the
    classifier; that is said. The value layers keep what they learned from the run's own data.

    Raises:
        DlcvError: a layer does not fit; the message names it, with the shapes.
    """
    layers = [layer for layer in network.own_layers if layer.weights]
    head = {layer.name for layer in network.head_layers}
    fitting, at_random = [], []
    for layer in layers:
        given = source.layers.get(layer.name)
        ours = [tuple(w.shape) for w in layer.weights]
        theirs = None if given is None else [tuple(w.shape) for w in given]
        if ours == theirs:
            fitting.append(layer)
        elif layer.name in head and (
            theirs is None or (layer is layers[-1] and _other_classes(ours, theirs))
        ):
            at_random.append(layer.name)
        else:
            raise DlcvError(_misfit(source, layer.name, ours, theirs))
    if not fitting:
        raise DlcvError(f"{source.path} has no layer of the network")
    for layer in fitting:
        layer.set_weights([np.asarray(w[()]) for w in source.layers[layer.name]])
    unused = source.layers.keys() - {layer.name for layer in network.model.layers}
    _tell(source, len(fitting), at_random, sorted(unused))


def _other_classes(ours: list[tuple[int, ...]], theirs: list[tuple[int, ...]]) -> bool:
    """Returns whether shapes differ in their last axis only, which counts the classes."""
    return [shape[:-1] for shape in ours] == [shape[:-1] for shape in theirs]


def _misfit(
    source: Source, name: str, ours: list[tuple[int, ...]], theirs: list[tuple[int, ...]] | None
) -> str:
    own = " ".join(map(str, ours))
    if theirs is None:
        return (
            f"{source.path} has no layer {name}, whose weights have the shapes "
            f"{own}; it belongs to another network"
        )
    other = " ".join(map(str, theirs))
    return (
        f"layer {name} has weights of the shapes {own} in the network, and "
        f"{other} in {source.path}; it belongs to another network or another input size"
    )


def _tell(source: Source, count: int, at_random: list[str], unused: list[str]) -> None:
    left = f"; at random: {', '.join(at_random)}" if at_random else ""
    logger.info("%d layers begin with the weights of %s%s", count, source.path, left)
    if unused:
        shown = ", ".join(unused[:5]) + (", ..." if len(unused) > 5 else "")
        logger.warning("the network has no layer for %d of its layers: %s", len(unused), shown)


def _from_checkpoint(checkpoint: Checkpoint, path: Path) -> Source:
    layers: dict[str, list[Any]] = {}
    used = checkpoint.of_network(_network_variables(checkpoint))
    for name, array in zip(used.paths, used.arrays, strict=True):
        if array.dtype.kind not in "iu":  # Counters and states of random layers are no weights.
            layers.setdefault(name.partition("/")[0], []).append(array)
    return Source(path, _sha256(path), layers)


def _network_variables(checkpoint: Checkpoint) -> int:
    """Returns how many variables are the network's: the optimizer's begin with its counter."""
    counters = (i for i, name in enumerate(checkpoint.paths) if name.endswith("/iteration"))
    return next(counters, len(checkpoint.paths))


def _from_keras(path: Path) -> Source:
    content: Any = path
    if path.name.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(IN_ARCHIVE).file_size > LARGEST_RATIO * path.stat().st_size:
                raise ValueError("it is packed tighter than weights can be")
            content = io.BytesIO(archive.read(IN_ARCHIVE))
    file = h5py.File(content, "r")
    layers: dict[str, list[Any]] = {}
    for group in _groups(_group(file, "layers")):
        variables = _group(group, "vars")
        arrays = [_array(variables, str(i)) for i in range(len(variables))]
        weights = [array for array in arrays if array.dtype.kind not in "iu"]
        if weights:
            layers[str(variables.attrs.get("name", ""))] = weights
    return Source(path, _sha256(path), layers)


def _groups(group: h5py.Group) -> list[h5py.Group]:
    return [_group(group, name) for name in group]


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    found = parent[name] if _is_own(parent, name) else None
    if not isinstance(found, h5py.Group):
        raise ValueError(f"it has no group {name} as Keras writes it")
    return found


def _array(parent: h5py.Group, name: str) -> h5py.Dataset:
    """Returns an array without reading it; what lies in another file is refused."""
    found = parent[name] if _is_own(parent, name) else None
    if (
        not isinstance(found, h5py.Dataset)
        or found.external is not None
        or found.is_virtual
        or found.dtype.kind not in "fiu"
    ):
        raise ValueError(f"{parent.name}/{name} is no array as Keras writes it")
    return found


def _is_own(parent: h5py.Group, name: str) -> bool:
    return isinstance(parent.get(name, getlink=True), h5py.HardLink)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
