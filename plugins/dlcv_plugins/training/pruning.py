"""Which checkpoints stay: the newest, those that are needed, and others as far as there is room."""

from collections.abc import Collection
from pathlib import Path

from dlcv.api import checkpoints


def prune(
    folder: Path, needed: Collection[int], *, count: int | None, room: int, is_finished: bool
) -> None:
    """Removes old checkpoints; the newest stays, and those of the epochs that are `needed`.

    Args:
        folder: Where they are.
        needed: Epochs whose checkpoints stay, whatever they take.
        count: How many others stay, the newest of them; None for as many as there is room for.
        room: Bytes that all may take, if no count is given.
        is_finished: Whether the training is over; until then, the one before the newest stays in
            case that the newest is damaged.
    """
    newest, *others = checkpoints.newest_first(folder)
    older = [path for path in others if checkpoints.epoch_of(path) not in needed]
    taken = sum(path.stat().st_size for path in {newest, *others} - {*older})
    for number, path in enumerate(older if is_finished else older[1:]):
        taken += path.stat().st_size
        if number >= count if count is not None else taken > room:
            path.unlink()
