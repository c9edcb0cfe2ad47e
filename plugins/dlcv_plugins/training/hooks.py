"""Trains frozen bodies' classifiers on features, and estimates statistics where they lag behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlcv import hook

if TYPE_CHECKING:
    from dlcv_plugins.training.stage import Stage


@hook
@contextmanager
def dlcv_stage(stage: "Stage") -> "Iterator[Stage]":
    """Gives the stage on features where its body is frozen, with precise statistics."""
    from dlcv_plugins.training.batch_statistics import with_precise_statistics
    from dlcv_plugins.training.frozen_features import on_features

    with on_features(stage) as quicker:
        yield with_precise_statistics(quicker)
