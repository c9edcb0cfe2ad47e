"""Which held-out images have copies among those that are trained on."""

import logging

import numpy as np

from dlcv.api import Experiment
from dlcv.errors import count
from dlcv_plugins.groupings.duplicates import Duplicates, forget

logger = logging.getLogger(__name__)


def copies_in_training(experiment: Experiment) -> np.ndarray | None:
    """Returns which held-out images have a copy among the training images, and warns of them.

    Args:
        experiment: Its `groups` say what a copy is, and whether copies are looked for.

    Returns:
        `(N,)` bool; None where there are no copies: the division kept them on one side, or they
        are not looked for.
    """
    data, split = experiment.data, experiment.held_out
    rules = [rule for rule in experiment.plugins.groupings if isinstance(rule, Duplicates)]
    if not rules or split not in data.store.splits():
        forget()
        return None
    train, held_out = data.splits["train"], data.splits[split]
    ids = rules[0].copies([train, held_out], experiment.config.threads or 1)
    forget()
    found: np.ndarray = np.isin(ids[len(train) :], ids[: len(train)])
    if not found.any():
        return None
    logger.warning(
        "%s of %s have a copy among the training images; the accuracy without them is given, too",
        f"{found.sum():,}", count(len(found), f"{split} image"),
    )  # fmt: skip
    return found
