"""The history of a training: its table and its picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlcv.training import history
from dlcv.training.history import History, read_csv, write_csv
from dlcv_plugins.drawings.epochs import draw_curves

pytestmark = pytest.mark.usefixtures("with_pictures")


def rows(count: int) -> list[dict[str, float]]:
    return [
        {
            "stage": 1 + (epoch > 2),
            "epoch": epoch,
            "loss": 1 / epoch,
            "accuracy": 1 - 1 / epoch,
            "val_loss": 2 / epoch,
            "val_accuracy": 1e-9,
            "seconds": 0.5,
        }
        for epoch in range(1, count + 1)
    ]


def test_csv_gives_back_every_figure_as_it_was(tmp_path: Path) -> None:
    write_csv(tmp_path / "history.csv", rows(3))

    again = read_csv(tmp_path / "history.csv")
    assert again == rows(3)
    assert {name: type(value) for name, value in again[0].items()} == {
        "stage": int, "epoch": int, "loss": float, "accuracy": float, "val_loss": float,
        "val_accuracy": float, "seconds": float,
    }  # fmt: skip
    assert (tmp_path / "history.csv").read_text().splitlines()[:2] == [
        "stage,epoch,loss,accuracy,val_loss,val_accuracy,seconds",
        "1,1,1.0,0.0,2.0,1e-09,0.5",
    ]


def test_each_row_is_on_disk_at_once(tmp_path: Path) -> None:
    seen = []
    kept = History(tmp_path, [], draw=draw_curves, observe=seen.append)
    for count, row in enumerate(rows(3), 1):
        kept.add(row)
        assert read_csv(tmp_path / "history.csv") == rows(count) == seen
    assert {path.name for path in tmp_path.iterdir()} == {"history.csv", "curves.png"}


def test_curves_are_a_picture_with_both_lines_in_both_panels(tmp_path: Path) -> None:
    draw_curves(tmp_path / "curves.png", rows(4))

    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture.shape == (400, 1000, 3)
    for panel in (picture[:, :500], picture[:, 500:]):
        for color in ((0x1F, 0x77, 0xB4), (0xFF, 0x7F, 0x0E)):  # matplotlib's C0 and C1
            assert (panel == color[::-1]).all(axis=2).sum() > 100
    assert np.unique(picture.reshape(-1, 3), axis=0).shape[0] > 10


def test_nothing_is_drawn_without_rows(tmp_path: Path) -> None:
    History(tmp_path, [], draw=draw_curves).draw()

    assert list(tmp_path.iterdir()) == []


def test_drawing_takes_a_small_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, drawn = 0.0, []

    def draw(path: Path, rows: list[dict[str, float]]) -> None:
        nonlocal now
        now += 3
        drawn.append(len(rows))

    monkeypatch.setattr(history.time, "monotonic", lambda: now)
    kept = History(tmp_path, [], draw=draw)
    for row in rows(30):
        kept.add(row)
        now += 10
    # A drawing of 3 s allows the next one 100 s after it began, which is 10 epochs later.
    assert drawn == [1, 11, 21]
