"""Snapshot ensembles: the networks at the ends of the learning rate's cycles, from one run."""

from dlcv import registry
from dlcv.api import Predictor, Run
from dlcv.errors import DlcvError
from dlcv.interfaces import Combination
from dlcv_plugins.ensembles.cycles import snapshot_epochs
from dlcv_plugins.ensembles.ensemble import Ensemble


def snapshots(run: Predictor, method: Combination | None = None) -> Ensemble:
    """Returns a run's networks at the ends of its cycles as an ensemble (Huang et al., 2017).

    Args:
        run: A run; one of several members gives an ensemble of their snapshots' ensembles.
        method: How they are combined; None for the mean, or as the run was evaluated.

    Raises:
        DlcvError: fewer than two cycles have come to their end, or the schedules have none.
    """
    if isinstance(run, Ensemble):
        each = [snapshots(member) for member in run.members]
        return Ensemble(each, method=run.method, path=run.path, names=run.names)
    assert isinstance(run, Run)
    return _of_one(run, method or "mean")


def _of_one(run: Run, method: Combination) -> Ensemble:
    stages = run.config.stages
    schedules = [registry.create("schedule", stage.schedule) for stage in stages]
    epochs = snapshot_epochs(stages, schedules, run.history)
    if len(epochs) < 2:
        has = "a single snapshot, and an ensemble takes two" if epochs else "no snapshots"
        written = ", ".join(str(stage.schedule) for stage in stages)
        raise DlcvError(
            f"{run.path} has {has}; one is taken at the end of each cycle of the learning rate, "
            f"whose schedule is {written}; train with "
            '--schedule "cyclic(cycles=5)"'
        )
    members = [Run(run.directory, checkpoint=epoch) for epoch in epochs]
    names = [f"epoch {epoch}" for epoch in epochs]
    return Ensemble(members, method=method, path=run.path, names=names)
