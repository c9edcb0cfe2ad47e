"""Snapshot ensembles: the ends of the learning rate's cycles as members."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from written_runs import history, write_run

import dlcv
from dlcv.config import StageConfig
from dlcv.errors import DlcvError

SMALL: dict[str, Any] = {
    "data": "digits(size=8)", "architecture": "lenet(width=0.1)", "fraction": 0.1, "threads": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dlcv.Run:
    """A run of six epochs in three cycles, of which the last two do not validate best."""
    return dlcv.run(
        **SMALL, runs=tmp_path_factory.mktemp("runs"), name="cycles", epochs=6,
        optimizer="sgd(learning_rate=0.1, momentum=0.9)", schedule="cyclic(cycles=3)",
        keep_checkpoints=0,
    )  # fmt: skip


def test_ends_of_cycles_are_members_with_weights_of_their_own(run: dlcv.Run) -> None:
    ensemble = dlcv.load(run.path, checkpoint="snapshots")

    assert isinstance(ensemble, dlcv.Ensemble)
    assert ensemble.names == ("epoch 2", "epoch 4", "epoch 6")
    assert ensemble.path == run.path
    first, second, third = (member.model.get_weights() for member in ensemble.members)
    for one, other in ((first, second), (second, third), (first, third)):
        assert not np.array_equal(one[0], other[0])
    # Without early stopping the last one is what the run ends with.
    assert all(map(np.array_equal, third, dlcv.load(run.path).model.get_weights()))
    rates = [row["learning_rate"] for row in run.history]
    assert rates[0] == rates[2] == rates[4] == pytest.approx(0.1)


def test_snapshots_are_evaluated_as_members(run: dlcv.Run) -> None:
    ensemble = dlcv.load(run.path, checkpoint="snapshots", method="vote")

    said = ensemble.predictions()

    assert said.member_names == ("epoch 2", "epoch 4", "epoch 6")
    assert said.validation_accuracies == tuple(run.history[i]["val_accuracy"] for i in (1, 3, 5))
    np.testing.assert_allclose(said.probabilities[2], run.predictions().combined, atol=1e-6)
    assert str(ensemble.evaluators).startswith('ensemble(method="vote"), rank')


def test_the_last_snapshot_is_not_the_best_epoch_that_early_stopping_ends_with(
    tmp_path: Path,
) -> None:
    run = dlcv.run(
        **SMALL, runs=tmp_path, epochs=4, early_stopping=4,
        # The rate rises until steps of norm 30 ruin what was learned.
        optimizer="sgd(learning_rate=30, clipnorm=1)",
        schedule="cyclic(cycles=2, floor=1, warmup=4)",
    )  # fmt: skip
    losses = [row["val_loss"] for row in run.history]
    ensemble = dlcv.load(run.path, checkpoint="snapshots")

    assert isinstance(ensemble, dlcv.Ensemble)
    assert losses.index(min(losses)) < 3, losses
    assert ensemble.names == ("epoch 2", "epoch 4")
    last = ensemble.members[1].model.get_weights()
    assert not all(map(np.array_equal, last, dlcv.load(run.path).model.get_weights()))


def test_members_of_a_run_are_snapshots_each(tmp_path: Path) -> None:
    run = dlcv.run(
        **{**SMALL, "architecture": "mlp(units=4)"}, runs=tmp_path, name="both", epochs=2,
        schedule="cyclic(cycles=2)", members=2,
    )  # fmt: skip

    ensemble = dlcv.load(run.path, checkpoint="snapshots")

    assert isinstance(ensemble, dlcv.Ensemble)
    assert ensemble.names == (
        "member 1, epoch 1", "member 1, epoch 2", "member 2, epoch 1", "member 2, epoch 2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "epochs", "message"),
    [
        ("constant(warmup=0.0)", 1, r'has no snapshots; .* is constant\(.*"cyclic\(cycles=5\)"'),
        ("cyclic(cycles=1)", 2, "has a single snapshot, and an ensemble takes two"),
    ],
)
def test_run_without_snapshots_is_refused(
    tmp_path: Path, schedule: str, epochs: int, message: str
) -> None:
    stages = (StageConfig(epochs=epochs, schedule=schedule),)
    run = write_run(
        tmp_path / "run", rows=history((0.5,) * epochs), stages=stages, metrics={"rank1": 0.5}
    )

    with pytest.raises(DlcvError, match=message):
        dlcv.load(run, checkpoint="snapshots")
