"""Drawings of evaluators: what is written at the axes, in the cells, and into the file."""

import itertools

import matplotlib.image
import numpy as np
import pytest

from dlcv.interfaces import Curves, Matrix
from dlcv_plugins.drawings.figures import figure, save


def confusion(classes, names=None):
    values = np.random.default_rng(0).integers(0, 9, (classes, classes))
    names = tuple(names or (f"class {i}" for i in range(classes)))
    return Matrix("Confusion", "true", "predicted", names, values)


def texts(labels):
    return [label.get_text() for label in labels]


def test_a_small_matrix_shows_its_counts_and_names():
    given = confusion(3, ["cat", "dog", "$fox$"])
    axes = figure(given).axes[0]
    assert texts(axes.texts) == [str(count) for count in given.values.ravel()]
    assert texts(axes.get_yticklabels()) == texts(axes.get_xticklabels()) == list(given.names)
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("true", "predicted")


def test_colours_are_shares_of_the_row_and_a_class_without_samples_has_none():
    given = Matrix("Confusion", "true", "predicted", ("a", "b"), np.array([[3, 1], [0, 0]]))
    shares = figure(given).axes[0].images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shares, [[0.75, 0.25], [np.nan, np.nan]])


@pytest.mark.parametrize(("classes", "counts", "names"), [(40, 0, 40), (200, 0, 0)])
def test_a_large_matrix_leaves_out_what_could_not_be_read(classes, counts, names):
    axes = figure(confusion(classes)).axes[0]
    assert len(axes.texts) == counts
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == names


def test_long_names_and_unprintable_ones_are_made_to_fit():
    names = ["a" * 24, "b" * 300, "line\nbreak"]
    labels = texts(figure(confusion(3, names)).axes[0].get_yticklabels())
    assert labels == ["a" * 24, "b" * 11 + "…" + "b" * 12, "line\ufffdbreak"]


@pytest.mark.parametrize(
    ("names", "rotation"),
    [
        (["cat", "dog"], 0),
        (["airplane", "automobile", "bird"], 0),
        (["Tomato___Tomato_Yellow_Leaf_Curl_Virus", "Tomato___healthy"], 90),
        ([f"automobile {i}" for i in range(6)], 90),
        ([str(i) for i in range(10)], 0),
    ],
)
def test_names_of_columns_stand_upright_where_they_are_wider_than_a_cell(names, rotation, tmp_path):
    drawn = figure(confusion(len(names), names))
    drawn.savefig(tmp_path / "picture.png")
    axes = drawn.axes[0]
    labels = axes.get_xticklabels()
    assert {label.get_rotation() for label in labels} == {rotation}
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.x0)
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    # All that is written lies within the picture.
    for text in (*labels, *axes.get_yticklabels(), axes.title, axes.xaxis.label):
        low, high = text.get_window_extent().get_points()
        assert (low >= 0).all()
        assert (high <= drawn.bbox.max).all()


def test_lines_of_the_same_color_differ_in_style():
    lines = {f"run {i}": np.full((2, 2), i) for i in range(20)}
    drawn = figure(Curves("Loss", "epoch", "loss", lines)).axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in drawn}) == 20
    assert {line.get_linestyle() for line in drawn[:10]} == {"-"}


def test_shares_are_drawn_between_nothing_and_all():
    line = np.array([[0.2, 0.3], [0.4, 0.5]])
    axes = figure(Curves("Reliability", "confidence", "accuracy", {"x": line}, True)).axes[0]
    assert axes.get_xlim() == axes.get_ylim() == (-0.02, 1.02)
    diagonal, drawn = axes.lines
    assert diagonal.get_slope() == 1
    np.testing.assert_array_equal(drawn.get_xydata(), line)
    other = figure(Curves("Loss", "epoch", "loss", {"x": line * 9})).axes[0]
    assert other.get_xlim()[1] > 3


def test_lines_are_named():
    lines = {"_cat$": np.ones((2, 2)), "dog": np.zeros((2, 2))}
    legend = figure(Curves("ROC", "x", "y", lines)).axes[0].get_legend()
    assert texts(legend.get_texts()) == ["_cat$", "dog"]


@pytest.mark.parametrize(
    "drawing",
    [
        confusion(2),
        confusion(200),
        Matrix("None", "true", "predicted", ("a", "b"), np.zeros((2, 2))),
        Curves("Nothing", "x", "y", {}),
        Curves("Empty", "x", "y", {"x": np.empty((0, 2))}, True),
        Curves("No numbers", "x", "y", {"x": np.full((3, 2), np.nan)}),
    ],
    ids=lambda drawing: f"{drawing.title}-{len(getattr(drawing, 'names', ()))}",
)
def test_any_drawing_is_written_whole(drawing, tmp_path):
    save(drawing, tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert matplotlib.image.imread(tmp_path / "picture.png").shape[2] == 4
