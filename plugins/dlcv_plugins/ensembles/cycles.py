"""Which epochs end a cycle of the learning rate."""

from collections.abc import Sequence

from dlcv.api import StageConfig, of_stage
from dlcv.interfaces import Schedule


def snapshot_epochs(
    stages: Sequence[StageConfig], schedules: Sequence[Schedule], rows: list[dict[str, float]]
) -> list[int]:
    """Returns the epochs so far at whose end a cycle ended, counted over all stages from 1.

    Args:
        stages: The stages' settings.
        schedules: A schedule a stage.
        rows: The history, a row an epoch.
    """
    epochs = []
    for number, (stage, schedule) in enumerate(zip(stages, schedules, strict=True)):
        done = [int(row["epoch"]) for row in of_stage(rows, number)]
        ends = schedule.cycle_ends(stage.epochs)
        epochs += [done[end - 1] for end in ends if end <= len(done)]
    return epochs
