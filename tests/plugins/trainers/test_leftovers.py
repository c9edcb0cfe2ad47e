"""What a killed process leaves is removed from a run, and from nowhere else."""

import os
from pathlib import Path

import pytest

from dlcv.errors import DlcvError
from dlcv.runs.directory import RunDirectory
from dlcv_plugins.trainers.gradient_descent.trainer import remove_leftovers


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    (tmp_path / "run").mkdir()
    return RunDirectory(tmp_path / "run")


def test_half_written_checkpoints_are_removed(run: RunDirectory) -> None:
    run.checkpoints.mkdir()
    (run.checkpoints / ".epoch_0001.1-0.tmp.checkpoint").touch()

    remove_leftovers(run)

    assert os.listdir(run.checkpoints) == []


def test_a_folder_behind_a_link_is_left_alone(run: RunDirectory, tmp_path: Path) -> None:
    """In a run of somebody else it may lead to a folder of one's own."""
    own = tmp_path / "own"
    own.mkdir()
    (own / ".mine.tmp").touch()
    run.checkpoints.symlink_to(own)

    with pytest.raises(DlcvError, match=r"run/checkpoints is a link, so what is removed there"):
        remove_leftovers(run)

    assert os.listdir(own) == [".mine.tmp"]
