"""`dlcv schedules`, through real processes."""

import functools

import cv2
import forked
import pytest


@pytest.fixture
def dlcv(tmp_path):
    return functools.partial(forked.dlcv, folder=tmp_path)


def test_plot_draws_the_curves_and_tells_rates(dlcv, tmp_path):
    done = dlcv(
        "schedules", "plot", "poly(power=2), step(at=5)", "--epochs", "10",
        "--learning-rate", "0.4", "--steps-per-epoch", "4", "--out", "rates.png",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, first, second = done.stdout.splitlines()[:3]
    assert head.split("  ")[0] == "schedule"
    # Steps 0, 10, 20, 29 and 39 of 40: after 0, 2.5, 5, 7.25 and 9.75 epochs of 10.
    told = [float(cell) for cell in first.split()[1:]]
    assert told == pytest.approx([0.4, 0.225, 0.1, 0.4 * 0.275**2, 0.4 * 0.025**2], rel=5e-3)
    assert second.split()[1:] == ["0.4", "0.4", "0.04", "0.04", "0.04"]
    assert done.stdout.splitlines()[-1] == (
        "use      dlcv run --schedule 'poly(power=2)' --learning-rate 0.4 --epochs 10"
    )
    picture = cv2.imread(str(tmp_path / "rates.png"))
    assert len({tuple(pixel) for pixel in picture.reshape(-1, 3)}) > 10


def test_plot_without_names_draws_all_that_need_no_option(dlcv, tmp_path):
    done = dlcv("schedules", "plot", "--steps-per-epoch", "2")
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()[1:]]
    assert {"constant", "cosine", "cyclic", "linear", "one_cycle", "poly"} <= set(names)
    assert "step" not in names
    assert (tmp_path / "schedules.png").exists()


def test_plot_does_not_replace_a_file(dlcv, tmp_path):
    (tmp_path / "schedules.png").write_text("mine")
    done = dlcv("schedules", "plot", "poly")
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert (tmp_path / "schedules.png").read_text() == "mine"
    assert dlcv("schedules", "plot", "poly", "--force").returncode == 0


def test_an_unknown_schedule_gets_the_nearest_name(dlcv, tmp_path):
    done = dlcv("schedules", "plot", "cosin")
    assert done.returncode == 2
    assert 'did you mean "cosine"' in done.stderr
    assert not list(tmp_path.iterdir())
