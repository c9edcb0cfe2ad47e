"""Fine-tuning as a configuration: a new head on a trained body, then both together."""

from pathlib import Path

from dlcv import registry
from dlcv.api import RunConfig, StageConfig
from dlcv.errors import DlcvError
from dlcv.interfaces import evolve, options_of
from dlcv.registry import Spec

HEAD_EPOCHS, EPOCHS = 15, 5
LEARNING_RATE = 0.003
"""The head's; the body's is a tenth."""


def fine_tuning(
    base: str,
    weights: str,
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
        base: The network whose body is used, with its options: `vgg16`.
        weights: `imagenet`, for networks of Keras Applications; or a run or a file of weights.
        head: The classifier that is put on it, with its options: `fc_head`, `gap_head`.
        head_epochs: Epochs of the first stage.
        epochs: Epochs of the second stage.
        learning_rate: Adam's in the first stage; the second has a tenth of it.
        trainable: What the second stage trains, as `StageConfig` has it: `15:`.

    Raises:
        DlcvError: a name or an option can't be read, weights are named twice, the base has none of
            ImageNet, or the head is no such classifier.
    """
    network, classifier = Spec.parse(base), Spec.parse(head)
    if {"weights", "base"} & {*classifier.options, *network.options}:
        raise DlcvError("name the weights by weights alone, and the network by base")
    if not _options(classifier) >= {"base", "weights"}:
        raise DlcvError(f"{head} is no classifier to put on a body; fc_head and gap_head are")
    if weights == "imagenet" and "weights" not in _options(network):
        raise DlcvError(f"{base} has no weights of ImageNet; name a run of yours, or a file")
    if weights == "imagenet":
        network = _with(network, weights=weights)
    else:
        classifier = _with(classifier, weights=str(Path(weights).expanduser().absolute()))
    stage = StageConfig(
        epochs=head_epochs,
        optimizer=_adam(learning_rate),
        schedule=Spec("constant", {}),
        trainable="head",
    )
    second = evolve(stage, epochs=epochs, optimizer=_adam(learning_rate / 10), trainable=trainable)
    return RunConfig(architecture=_with(classifier, base=network), stages=(stage, second))


def _options(spec: Spec) -> set[str]:
    return {*options_of(registry.get("architecture", spec.name))}


def _with(spec: Spec, **options: object) -> Spec:
    return Spec(spec.name, {**spec.options, **options})


def _adam(learning_rate: float) -> Spec:
    return Spec("adam", {"learning_rate": float(f"{learning_rate:.6g}")})
