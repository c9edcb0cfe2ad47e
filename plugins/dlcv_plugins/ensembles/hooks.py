"""Lets several runs, or the snapshots of one, be loaded as an ensemble."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dlcv import hook
from dlcv.interfaces import Combination

if TYPE_CHECKING:
    from dlcv.api import Predictor


@hook
def dlcv_combined(members: "Sequence[Predictor]", method: Combination | None) -> "Predictor":
    """Returns runs and models as an ensemble, by default by their mean."""
    from dlcv_plugins.ensembles.ensemble import Ensemble

    return Ensemble(members, method=method or "mean")


@hook
def dlcv_checkpoint(
    run: "Predictor", checkpoint: str, method: Combination | None
) -> "Predictor | None":
    """Returns the ensemble of a run's snapshots; None for other names."""
    if checkpoint != "snapshots":
        return None
    from dlcv_plugins.ensembles.snapshots import snapshots

    return snapshots(run, method)
