"""Weights to begin with, by layer and shape: those of a run, or of a file that a hook opens.

Only arrays are read, and only those whose shapes the network has: nothing in a file is executed,
and none of it decides how much memory is taken.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import files, registry
from dlcv.errors import DlcvError, some
from dlcv.interfaces import Architecture
from dlcv.interfaces.architecture import assign, single_layers, weights_of

if TYPE_CHECKING:
    from dlcv.api import Checkpoint, Network

logger = logging.getLogger(__name__)


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
    layers: Mapping[str, Sequence[Any]]

    @property
    def record(self) -> dict[str, str]:
        """What a run keeps of it."""
        return {"path": str(self.path), "sha256": self.sha256}


@contextmanager
def open_source(path: Path, architecture: Architecture | None = None) -> Iterator[Source]:
    """Opens a run's folder (its last checkpoint), a checkpoint, or a file of weights.

    The weights can be read within the block.

    Args:
        path: The folder or file.
        architecture: The network that they are for; it may read files of other libraries.

    Raises:
        DlcvError: it is none of these, or damaged.
    """
    refuse_missing(path)
    # They import Keras, which must start with its threads first.
    from dlcv.api import checkpoints

    if path.is_dir():
        found = checkpoints.load_newest(path / "checkpoints")
        if found is None:
            raise DlcvError(f"{path} holds no checkpoint; is it a run?")
        yield _from_checkpoint(*found)
        return
    if path.name.endswith(checkpoints.SUFFIX):
        yield _from_checkpoint(checkpoints.load(path), path)
        return
    opened = registry.registry.hooks().dlcv_weights(path=path, architecture=architecture)
    if opened is None:
        raise DlcvError(
            f"{path}: no installed package reads such files of weights; name a run or a checkpoint"
        )
    with opened as layers:
        yield Source(path, files.sha256(path), layers)


def refuse_missing(path: Path) -> None:
    """Refuses a path where nothing is, which a run should know before it reads its images.

    Raises:
        DlcvError: there is neither a file nor a folder.
    """
    if not path.is_file() and not path.is_dir():
        raise DlcvError(f"no such file or run with weights: {path}")


def load_into(network: "Network", source: Source) -> None:
    """Gives a network's layers the weights of those of the same names; all of them or none.

    What the source does not have, or has for another number of classes, stays at random in the
    classifier; that is said. The value layers keep what they learned from the run's own data.

    Raises:
        DlcvError: a layer does not fit; the message names it, with the shapes.
    """
    layers = [layer for layer in single_layers(network.own_layers) if weights_of(layer)]
    head = {layer.name for layer in network.head_layers}
    fitting, at_random = [], []
    for layer in layers:
        given = source.layers.get(layer.name)
        ours = [tuple(w.shape) for w in weights_of(layer)]
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
        assign(weights_of(layer), source.layers[layer.name])
    left = f"; at random: {', '.join(at_random)}" if at_random else ""
    logger.info("%d layers begin with the weights of %s%s", len(fitting), source.path, left)
    known = {layer.name for layer in single_layers(network.model.layers)}
    if unused := sorted(source.layers.keys() - known):
        logger.warning(
            "the network has no layer for %d of its layers: %s", len(unused), some(unused)
        )


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
    return (
        f"layer {name} has weights of the shapes {own} in the network, and "
        f"{' '.join(map(str, theirs))} in {source.path}; it belongs to another network or another "
        "input size"
    )


def _from_checkpoint(checkpoint: "Checkpoint", path: Path) -> Source:
    layers: dict[str, list[Any]] = {}
    used = checkpoint.of_network(_network_variables(checkpoint))
    for name, array in zip(used.paths, used.arrays, strict=True):
        if array.dtype.kind not in "iu":  # Counters and states of random layers are no weights.
            layers.setdefault(name.partition("/")[0], []).append(array)
    return Source(path, files.sha256(path), layers)


def _network_variables(checkpoint: "Checkpoint") -> int:
    """Returns how many variables are the network's: the optimizer's begin with its counter."""
    counters = (i for i, name in enumerate(checkpoint.paths) if name.endswith("/iteration"))
    return next(counters, len(checkpoint.paths))
