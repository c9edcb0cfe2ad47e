"""Pictures of images in rows and columns: what is written above them."""

import matplotlib.figure
import numpy as np
import pytest

from dlcv_plugins.pictures import draw_grid, shortened

IMAGE = np.zeros((8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("length", "expected"), [(9, "ABCDEFGHI"), (8, "ABC…FGHI"), (3, "A…I"), (2, "…I"), (1, "…")]
)
def test_a_text_is_shortened_in_the_middle(length, expected):
    assert shortened("ABCDEFGHI", length) == expected
    assert len(expected) == length


@pytest.mark.parametrize("cell_inches", [1.6, 2.4])
def test_titles_do_not_reach_into_the_next_cell(tmp_path, monkeypatch, cell_inches):
    drawn = []
    save = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        matplotlib.figure.Figure, "savefig",
        lambda figure, *args, **more: (drawn.append(figure), save(figure, *args, **more)),
    )  # fmt: skip
    titles = [
        "Tomato___Tomato_Yellow_Leaf_Curl_Virus",
        "true: Corn_(maize)___Cercospora_leaf_spot Gray_leaf_spot\n$W$" + 50 * "W",
        "cat",
    ]
    path = tmp_path / "grid.png"
    draw_grid(path, [[IMAGE] * 3], titles=[titles], cell_inches=cell_inches)
    drawn[0].draw_without_rendering()
    shown = [axes.title for axes in drawn[0].axes]
    boxes = [title.get_window_extent() for title in shown]
    assert boxes[0].x0 >= 0
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[1].x1 < boxes[2].x0
    assert shown[0].get_text().startswith("Tomato___")
    assert shown[0].get_text().endswith("_Virus")
    assert shown[2].get_text() == "cat"
