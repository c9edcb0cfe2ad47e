"""Snapshot ensembles: the networks at the ends of the learning rate's cycles, from one run."""

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination
from dlcv.registry.defaults import default_or_none
from dlcv.runs.ensemble import Ensemble
from dlcv.runs.run import Run
from dlcv.training.history import snapshot_epochs

SNAPSHOTS = "snapshots"
"""The value of `checkpoint` for all of them."""


def snapshots(run: Run, method: Combination = "mean") -> Ensemble:
    """Returns a run's networks at the ends of its cycles as an ensemble (Huang et al., 2017).

    Raises:
        DlcvError: fewer than two cycles have come to their end, or the schedules have none.
    """
    stages = run.config.stages
    schedules = [registry.create("schedule", stage.schedule) for stage in stages]
    epochs = snapshot_epochs(stages, schedules, run.history)
    if len(epochs) < 2:
        has = "a single snapshot, and an ensemble takes two" if epochs else "no snapshots"
        written = ", ".join(str(stage.schedule) for stage in stages)
        other = default_or_none("cyclic_schedule")
        cure = f'--schedule "{other}"' if other else "a schedule of several cycles"
        raise DlcvError(
            f"{run.path} has {has}; one is taken at the end of each cycle of the learning rate, "
            f"whose schedule is {written}; train with {cure}"
        )
    members = [Run(run.directory, checkpoint=epoch) for epoch in epochs]
    names = [f"epoch {epoch}" for epoch in epochs]
    return Ensemble(members, method=method, path=run.path, names=names)
