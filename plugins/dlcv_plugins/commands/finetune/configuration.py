"""Fine-tuning as a configuration: a new head on a trained body, then both together."""

import os
from pathlib import Path
from typing import Any

from dlcv import registry
from dlcv.api import RunConfig, RunDirectory, StageConfig
from dlcv.errors import DlcvError, SpecError
from dlcv.interfaces import evolve, options_of
from dlcv.registry import Spec
from dlcv_plugins.weights.base import (
    IMAGENET,
    chosen_base,
    has_own_weights,
    without_weights,
)

HEAD_EPOCHS, EPOCHS = 15, 5
LEARNING_RATE = 0.003
"""The head's; the body's is a tenth."""


def fine_tuning(
    base: str | os.PathLike[str] | None = None,
    weights: str | None = None,
    *,
    head: str = "fc_head",
    head_epochs: int = HEAD_EPOCHS,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
    trainable: str = "all",
) -> RunConfig:
    """Returns a run of two stages: the head on the frozen body, then what is trainable.

    The epochs and rates are those of a guide to transfer learning: a head converges in 10 to 15
    epochs; after that at most 5, at a tenth of its rate, or the body forgets what it knew.

    Args:
        base: The network whose body is used, with its options: `vgg16`; or a run, whose own
            network, weights and preprocessors are taken; if left out, the smallest network whose
            weights are installed.
        weights: `imagenet`, the default for networks that have them; or a run or a file of
            weights.
        head: The classifier that is put on it, with its options: `fc_head`, `gap_head`.
        head_epochs: Epochs of the first stage.
        epochs: Epochs of the second stage.
        learning_rate: Adam's in the first stage; the second has a tenth of it.
        trainable: What the second stage trains, as `StageConfig` has it: `15:`.

    Raises:
        DlcvError: a name or an option can't be read, weights are named twice, the base has none of
            ImageNet, or the head is no such classifier.
    """
    named, base = base, chosen_base(base, weights)
    if named is None and base == weights:
        weights = None
    classifier = Spec.parse(head)
    if not _options(classifier) >= {"base", "weights"}:
        raise DlcvError(f"{head} is no classifier to put on a body; fc_head and gap_head are")
    own: dict[str, Any] = {}
    if Path(base).expanduser().is_dir():
        if weights is not None:
            raise DlcvError(f"{base} is a run, which has its own weights; leave weights out")
        run = RunConfig.load(RunDirectory.existing(Path(base).expanduser()).config)
        own = {"preprocessors": run.preprocessors, "input_size": run.input_size}
        network, weights = _body_of(run.architecture), os.fspath(base)
    else:
        network = _named(os.fspath(base))
        if {"weights", "base"} & {*classifier.options, *network.options}:
            raise DlcvError("weights are given twice; use only --weights, and --base NETWORK")
        if weights not in (None, IMAGENET):
            network = without_weights(network)
    if weights is None and has_own_weights(network):
        pass
    elif weights in (None, IMAGENET):
        if "weights" not in _options(network) or "base" in _options(network):
            raise DlcvError(f"{base} has no weights of ImageNet; name a run of yours, or a file")
        network = _with(network, weights=IMAGENET)
    else:
        classifier = _with(classifier, weights=str(Path(weights).expanduser().absolute()))
    stage = StageConfig(
        epochs=head_epochs,
        optimizer=_adam(learning_rate),
        schedule=Spec("constant", {}),
        trainable="head",
    )
    second = evolve(stage, epochs=epochs, optimizer=_adam(learning_rate / 10), trainable=trainable)
    return RunConfig(architecture=_with(classifier, base=network), stages=(stage, second), **own)


def _body_of(network: Spec) -> Spec:
    """Returns a run's network without its head, and without the weights that it began with."""
    base = network.options.get("base")
    if isinstance(base, Spec):
        return _body_of(base)
    return without_weights(network)


def _named(base: str) -> Spec:
    try:
        return Spec.parse(base)
    except SpecError as error:
        raise DlcvError(f"base: there is no run {base}, and as a network's name: {error}") from None


def _options(spec: Spec) -> set[str]:
    return {*options_of(registry.get("architecture", spec.name))}


def _with(spec: Spec, **options: object) -> Spec:
    return Spec(spec.name, {**spec.options, **options})


def _adam(learning_rate: float) -> Spec:
    return Spec("adam", {"learning_rate": float(f"{learning_rate:.6g}")})
