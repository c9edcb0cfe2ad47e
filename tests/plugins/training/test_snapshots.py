"""Snapshots: which epochs end a cycle, and that their checkpoints stay."""

from typing import Any

import pytest

from dlcv import registry
from dlcv.config import StageConfig
from dlcv_plugins.ensembles.cycles import snapshot_epochs

SCHEDULES = {
    "constant": (StageConfig(epochs=4), "constant"),
    "two cycles": (StageConfig(epochs=6), "cyclic(cycles=2)"),
    "stopped after 4": (StageConfig(epochs=6, stop_after=4), "cyclic(cycles=2)"),
}


@pytest.mark.parametrize(
    ("names", "epochs_done", "expected"),
    [
        (["constant"], [4], []),
        (["two cycles"], [6], [3, 6]),
        (["two cycles"], [5], [3]),
        (["two cycles"], [2], []),
        (["stopped after 4"], [4], [3]),
        (["constant", "two cycles"], [4, 6], [7, 10]),
        (["two cycles", "two cycles"], [6, 3], [3, 6, 9]),
        (["two cycles", "constant"], [2, 4], []),
    ],
)
def test_epochs_that_end_a_cycle_are_counted_over_all_stages(
    names: list[str], epochs_done: list[int], expected: list[int]
) -> None:
    stages = [SCHEDULES[name][0] for name in names]
    schedules: list[Any] = [registry.create("schedule", SCHEDULES[name][1]) for name in names]
    stage_of = [stage for stage, count in enumerate(epochs_done, 1) for _ in range(count)]
    rows = [{"stage": stage, "epoch": epoch} for epoch, stage in enumerate(stage_of, 1)]

    assert snapshot_epochs(stages, schedules, rows) == expected
