"""Runs that are damaged or not finished, and images that can't be read: one clear line each."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import dlcv
from dlcv.cli.evaluate import evaluate
from dlcv.errors import DlcvError, ImageError


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dlcv.Run:
    return dlcv.run(
        data="digits", architecture="lenet(width=0.1)", preprocessors="mean, scale", epochs=1,
        threads=1, runs=tmp_path_factory.mktemp("runs"), bad_images="skip",
    )  # fmt: skip


@pytest.fixture
def run(trained: dlcv.Run, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(trained.path, tmp_path / "a run"))


@pytest.fixture
def flawed(photos: Callable[..., Path]) -> str:
    """Labelled images of which one can't be read."""
    folder = photos(("0", "1"), count=3)
    (folder / "1" / "002.png").write_bytes(b"no image")
    return f"folder(path={json.dumps(str(folder))}, color_mode=grayscale)"


def evaluated(*arguments: str | Path) -> Result:
    return CliRunner().invoke(evaluate, [*map(str, arguments)])


def test_image_that_can_not_be_read_ends_an_evaluation(run: Path, flawed: str) -> None:
    result = evaluated(run, "--data", flawed)

    assert isinstance(result.exception, ImageError)
    assert "002.png: is no image" in str(result.exception)


def test_images_left_out_of_an_evaluation_are_told(run: Path, flawed: str) -> None:
    shown = evaluated(run, "--data", flawed, "--bad-images", "skip")
    found = evaluated(run, "--data", flawed, "--bad-images", "skip", "--json")

    assert "5 images, 1 left out" in shown.stdout
    assert "warning: left out: " in shown.stderr
    assert "002.png: is no image" in shown.stderr
    assert json.loads(found.stdout)["images"] == 5
    (skipped,) = json.loads(found.stdout)["skipped"]
    assert "002.png: is no image" in skipped


def test_evaluation_without_readable_images_is_refused(run: Path, photos: Callable) -> None:
    folder = photos(("0", "1"), count=1)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no image")
    data = f"folder(path={json.dumps(str(folder))}, color_mode=grayscale)"

    result = evaluated(run, "--data", data, "--bad-images", "skip")

    assert isinstance(result.exception, DlcvError)
    assert "there are no images" in str(result.exception)


def test_evaluating_an_unfinished_run_says_how_to_go_on(run: Path) -> None:
    (run / "metrics.json").unlink()

    result = evaluated(run)

    assert isinstance(result.exception, DlcvError)
    assert str(result.exception) == f"{run} is not finished; go on with: dlcv resume '{run}'"


@pytest.mark.parametrize("where", [("--split", "test"), ("--data", "digits")])
def test_unfinished_run_is_evaluated_on_what_is_named(
    trained: dlcv.Run, run: Path, where: tuple[str, str]
) -> None:
    expected = trained.metrics
    (run / "metrics.json").unlink()
    (run / "predictions.npz").unlink()

    result = evaluated(run, *where, "--json")

    assert result.exit_code == 0, result.exception
    found = json.loads(result.stdout)["metrics"]
    if where[0] == "--split":
        assert found["rank1"] == pytest.approx(expected["rank1"], abs=0.01)
