"""Transfer by features as a configuration: a softmax on a trained body, and what fits it."""

import os
from pathlib import Path
from typing import Any

from dlcv import registry
from dlcv.api import RunConfig, RunDirectory
from dlcv.errors import DlcvError, SpecError
from dlcv.interfaces import options_of
from dlcv.registry import Spec
from dlcv_plugins.weights.base import IMAGENET, chosen_base, has_own_weights

CLASSIFIER = "logistic_regression"
HEAD = "linear_head"
LEGACY_FILES = (".h5", ".hdf5")
"""Files of weights that the architecture itself reads, such as those of Keras Applications."""


def transfer_config(
    base: str | os.PathLike[str] | None = None,
    *,
    weights: str | os.PathLike[str] | None = None,
    layer: str | None = None,
    classifier: str | Spec = CLASSIFIER,
) -> RunConfig:
    """Returns a run that fits a classifier to features that a trained body extracts.

    Args:
        base: The network whose body is used, with its options: `vgg16`; or a run, whose own
            network, weights and preprocessors are taken.
        weights: `imagenet`, which networks of Keras Applications use by default; or a run
            or a file of weights.
        layer: The layer whose output is the features; the last of the body if left out.
        classifier: The classifier with its options.

    Raises:
        DlcvError: a name can't be read, or no weights are named, or twice.
    """
    named, base = base, chosen_base(base, weights)
    if named is None and base == weights:
        weights = None
    own: dict[str, Any] = {"classifier": Spec.from_option(classifier)}
    head: dict[str, Any] = {}
    if Path(base).expanduser().is_dir():
        if weights is not None:
            raise DlcvError(f"{base} is a run, which has its own weights; leave weights out")
        run = RunConfig.load(RunDirectory.existing(Path(base).expanduser()).config)
        network = run.architecture
        weights = base
        own |= {"preprocessors": run.preprocessors, "input_size": run.input_size}
    else:
        network = _named(os.fspath(base))
        if weights is None:
            network = _with_imagenet(network)
    if weights == IMAGENET:
        network = _with_imagenet(network, chosen=True)
    elif weights is not None:
        path = Path(weights).expanduser().absolute()
        if path.name.endswith(LEGACY_FILES) and not path.name.endswith(".weights.h5"):
            head["weights"] = str(path)
        else:
            own["initial_weights"] = path
    if layer is not None:
        head["layer"] = layer
    return RunConfig(architecture=Spec(HEAD, {"base": network, **head}), **own)


def _named(base: str) -> Spec:
    try:
        return Spec.parse(base)
    except SpecError as error:
        raise DlcvError(f"base: there is no run {base}, and as a network's name: {error}") from None


def _with_imagenet(network: Spec, *, chosen: bool = False) -> Spec:
    """Returns a network with ImageNet's weights, unless it names weights already.

    Raises:
        DlcvError: it has none, or names others.
    """
    if _names_weights(network):
        if chosen:
            raise DlcvError("name the weights by weights alone, and the network by base")
        return network
    if not chosen and has_own_weights(network):
        return network
    known = options_of(registry.get("architecture", network.name))
    if "weights" in known and "base" not in known:
        return Spec(network.name, {**network.options, "weights": IMAGENET})
    raise DlcvError(
        f"{network.name} has no weights of its own to begin with; name a run or a file that has "
        "them by weights"
    )


def _names_weights(network: Spec) -> bool:
    nested = [value for value in network.options.values() if isinstance(value, Spec)]
    return network.options.get("weights") is not None or any(map(_names_weights, nested))
