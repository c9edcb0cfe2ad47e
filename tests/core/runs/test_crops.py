"""A trained run on other pixel steps: ten crops instead of what it was trained with."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from forked import dlcv as command

import dlcv
from dlcv import images
from dlcv.cli.predict import predict
from dlcv.errors import DlcvError

SETTINGS = {
    "architecture": "shallownet",
    "preprocessors": "aspect_aware(size=20), patch(size=16), mean",
    "epochs": 1, "batch_size": 8, "threads": 1, "learning_rate": 1e-5,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("crops")


@pytest.fixture(scope="module")
def photos(folder):
    """Two classes of noise, of many sizes."""
    from conftest import write_image

    rng = np.random.default_rng(0)
    for label, name in enumerate(("blue", "red")):
        for number in range(12):
            image = rng.integers(0, 240, (*rng.integers(20, 40, 2), 3), np.uint8)
            image[..., label] += 15
            write_image(folder / "photos" / name / f"{number:02d}.png", image)
    return folder / "photos"


@pytest.fixture(scope="module")
def run(folder, photos):
    return dlcv.run(data=str(photos), runs=folder / "runs", name="small", **SETTINGS)


def by_hand(run, path):
    """The mean of the network's answers to ten crops of an image of 20 x 20."""
    (whole,) = dlcv.registry.create("preprocessor", "aspect_aware(size=20)")(
        [images.read_image(path)]
    )
    places = [(0, 0), (0, 4), (4, 4), (4, 0), (2, 2)]
    cut = [whole[top : top + 16, left : left + 16] for top, left in places]
    cut += [view[:, ::-1] for view in cut]
    return np.mean(run.model(np.stack(cut)), axis=0)


def test_ten_crops_are_those_of_the_images_that_patches_were_cut_from(run):
    kept = run.predictions()
    found = run.test(preprocessors="crop, mean").predictions
    assert found.sample_ids == kept.sample_ids
    assert found.labels.tolist() == kept.labels.tolist()
    expected = [by_hand(run, path) for path in found.sample_ids]
    np.testing.assert_allclose(found.combined, expected, atol=1e-6)
    assert np.abs(found.combined - kept.combined).max() > 1e-4


def test_what_is_kept_stays_as_it_was(run):
    before = run.directory.predictions.read_bytes()
    kept = run.predictions().combined
    run.test(preprocessors="crop")
    assert run.directory.predictions.read_bytes() == before
    np.testing.assert_array_equal(run.predictions().combined, kept)
    assert str(dlcv.load(run.path).pipeline) == str(run.pipeline)


def test_the_run_s_own_steps_named_again_give_what_is_kept(run):
    found = run.predictions(preprocessors="aspect_aware(size=20), patch(size=16)")
    np.testing.assert_allclose(found.combined, run.predictions().combined, atol=1e-6)


def test_other_data_and_single_images_can_be_cropped_too(run, photos):
    paths = sorted((photos / "red").iterdir())[:3]
    expected = [by_hand(run, path) for path in paths]
    np.testing.assert_allclose(run.predict_proba(paths, preprocessors="crop"), expected, atol=1e-6)
    assert run.predict(paths, preprocessors="crop")[0].probability == pytest.approx(
        expected[0].max(), abs=1e-6
    )
    everything = run.predictions(str(photos), preprocessors="crop")
    assert len(everything.labels) == 24


def test_a_batch_holds_as_many_views_as_images_otherwise(run, photos, monkeypatch):
    seen = []
    predict = run.model.predict_on_batch
    monkeypatch.setattr(
        run.model, "predict_on_batch", lambda pixels: seen.append(len(pixels)) or predict(pixels)
    )
    run.predict_proba(photos, preprocessors="crop")
    assert seen == [60, 60, 60, 60]


def test_a_run_that_is_not_finished_says_so(run, monkeypatch):
    monkeypatch.setattr(dlcv.Run, "finished", False)
    with pytest.raises(DlcvError, match="not finished"):
        dlcv.load(run.path).test(preprocessors="crop")


def test_training_on_several_views_is_refused_before_anything_is_read(folder):
    with pytest.raises(DlcvError, match=r"crop gives 10 views .*; leave it out in training"):
        dlcv.run(data=str(folder / "photos"), preprocessors="crop, mean", runs=folder / "none")
    assert not (folder / "none").exists()


def test_evaluate_prints_the_figures_of_the_crops(run, folder):
    shutil.rmtree(run.path / "predictions", ignore_errors=True)
    done = command("evaluate", run.path, "--preproc", "crop, mean", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    found = run.test(preprocessors="crop").predictions
    accuracy = (found.combined.argmax(axis=1) == found.labels).mean()
    assert json.loads(done.stdout)["metrics"]["rank1"] == pytest.approx(accuracy)
    assert done.stderr.splitlines()[-1] == (
        "nothing among the preprocessors resizes: added "
        "aspect_aware(size=20, interpolation=area, final_resize=False)"
    )


def test_predict_averages_too(run, photos):
    path = photos / "red" / "03.png"
    done = CliRunner().invoke(predict, [str(run.path), str(path), "--preproc", "crop", "--json"])
    assert done.exit_code == 0, done.exception
    (found,) = json.loads(done.stdout)
    assert found["classes"][0]["probability"] == pytest.approx(by_hand(run, path).max(), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "runs/small", "--preproc", "crop, scale"), "the run has no scale: "),
        (("evaluate", "runs/small", "--preproc", "crop(size=30)"), "the network takes 16 x 16"),
        (("run", "--data", "photos", "--preproc", "crop"), "crop gives 10 views of each image"),
        (
            ("data", "build", "photos", "--out", "p", "--preproc", "simple(size=9), crop(size=8)"),
            "crop gives 10 views of each image",
        ),
    ],
)
def test_mistakes_are_one_line(run, folder, arguments, message):
    done = command(*arguments, folder=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if line.startswith("dlcv: ")] == (
        done.stderr.splitlines()[-1:]
    )
    assert message in done.stderr
