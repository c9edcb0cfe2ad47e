"""Which checkpoints stay."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from dlcv.training import checkpoints
from dlcv.training.checkpoints import Checkpoint, Position
from dlcv_plugins.training.pruning import prune

EPOCHS = 11


@pytest.mark.parametrize(
    ("is_finished", "count", "has_room_for", "kept"),
    [
        (True, None, [], [2, 6, 11]),
        (True, None, [2, 6, 9, 10, 11], [2, 6, 9, 10, 11]),
        (True, None, range(1, 12), [*range(1, 12)]),
        (True, 0, range(1, 12), [2, 6, 11]),
        (True, 3, [], [2, 6, 8, 9, 10, 11]),
        (False, 0, [], [2, 6, 10, 11]),
    ],
)
def test_the_newest_and_needed_ones_are_kept_and_others_by_number_or_room(
    tmp_path: Path,
    is_finished: bool,
    count: int | None,
    has_room_for: Iterable[int],
    kept: list[int],
) -> None:
    rows = [{"stage": 1, "epoch": n + 1, "val_loss": 1.0} for n in range(EPOCHS)]
    made = [
        checkpoints.save(tmp_path, Checkpoint(Position(0, n, 0, n), [np.ones(3)], ["a"], rows[:n]))
        for n in range(1, EPOCHS + 1)
    ]
    room = sum(made[epoch - 1].stat().st_size for epoch in has_room_for)

    prune(tmp_path, {2, 6}, count=count, room=room, is_finished=is_finished)

    assert [checkpoints.load(path).epochs for path in sorted(tmp_path.iterdir())] == kept
