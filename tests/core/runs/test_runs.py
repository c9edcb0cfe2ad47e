"""Runs from Python: what is trained, written, loaded and used."""

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import h5py
import keras
import numpy as np
import pictures
import pytest

import dlcv
from dlcv.data.sources import find_store
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import Preprocessor
from dlcv.runs.inputs import open_inputs

OPTIONS = {
    "architecture": "lenet(width=0.2)",
    "preprocessors": "mean, aspect_aware(size=20), patch(size=16)",
    "epochs": 4,
    "batch_size": 8,
    "learning_rate": 0.003,
    "threads": 1,
}
QUICK = {"architecture": "mlp(units=4)", "epochs": 1, "batch_size": 8, "threads": 1}
"""What is enough where nothing depends on what is learned."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def images(folder: Path) -> Path:
    """Three classes of plain colors with noise, 12 images each, of many sizes."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("blue", "green", "red")):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(12):
            height, width = rng.integers(20, 40, 2)
            image = rng.integers(0, 60, (height, width, 3), np.uint8)
            image[..., label] += 180
            cv2.imwrite(str(folder / "photos" / name / f"{number:02d}.png"), image)
    return folder / "photos"


@pytest.fixture(scope="module")
def run(folder: Path, images: Path) -> dlcv.Run:
    with pictures.switched(on=True):
        return dlcv.run(data=str(images), runs=folder / "runs", name="first", **OPTIONS)


def test_run_learns_and_tells_its_figures(run: dlcv.Run) -> None:
    assert run.finished
    assert run.metrics["rank1"] > 0.7
    assert [row["epoch"] for row in run.history] == [1, 2, 3, 4]
    assert run.history[0]["learning_rate"] < run.history[1]["learning_rate"] <= 0.003
    assert run.history[-1]["loss"] < run.history[0]["loss"]


def test_directory_holds_what_is_promised(run: dlcv.Run) -> None:
    names = {p.name for p in run.path.iterdir() if not p.name.startswith(".")}

    assert names == {
        "run.toml", "environment.json", "preprocessing.npz", "history.csv", "curves.png",
        "checkpoints", "model.keras", "labels.json", "predictions.npz", "metrics.json",
        "report.html",
    }  # fmt: skip
    assert (run.path.parent / "latest").resolve() == run.path
    assert not list(run.path.rglob("*.tmp*"))


def test_record_names_versions_and_data(run: dlcv.Run) -> None:
    record = json.loads((run.path / "environment.json").read_text())

    assert record["libraries"]["keras"] == keras.__version__
    assert record["data"]["images"] == {"train": 25, "val": 4, "test": 7}
    assert {"kind": "architecture", "name": "lenet", "distribution": "dlcv"}.items() <= record[
        "plugins"
    ][[p["name"] for p in record["plugins"]].index("lenet")].items()


def test_configuration_is_complete_and_canonical(run: dlcv.Run, images: Path) -> None:
    written = tomllib.loads((run.path / "run.toml").read_text())

    assert written["data"] == f'folder(path="{images}", color_mode=rgb)'
    assert written["preprocessors"] == (
        "aspect_aware(size=20, interpolation=area, final_resize=False), "
        "patch(size=16, interpolation=area, padding=0), "
        "mean(per=channel)"
    )
    assert written["stages"][0]["optimizer"] == "adam(learning_rate=0.003)"
    assert written["threads"] == 1


def test_repeating_the_configuration_gives_the_same_numbers(run: dlcv.Run, folder: Path) -> None:
    again = dlcv.run(run.path / "run.toml", runs=folder / "runs", name="again")

    assert again.metrics == run.metrics
    for row, other in zip(run.history, again.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
    for weights, others in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, others)


def test_another_seed_gives_other_numbers_on_the_same_split(run: dlcv.Run, folder: Path) -> None:
    other = dlcv.run(run.path / "run.toml", runs=folder / "runs", name="other", seed=7)

    assert other.history[0]["loss"] != run.history[0]["loss"]
    assert other.predictions().sample_ids == run.predictions().sample_ids


def test_loaded_run_says_what_the_trained_one_said(run: dlcv.Run) -> None:
    kept = run.predictions()
    paths = list(kept.sample_ids)
    loaded = dlcv.load(run.path)

    np.testing.assert_allclose(loaded.predict_proba(paths), kept.probabilities[0], atol=1e-6)
    assert loaded.label_names == ("blue", "green", "red")


def test_latest_can_be_loaded_by_its_link(run: dlcv.Run) -> None:
    assert dlcv.load(run.path.parent / "latest").path.parent == run.path.parent


def test_predictions_from_paths_folders_and_arrays_agree(run: dlcv.Run, images: Path) -> None:
    path = images / "red" / "03.png"
    by_path = run.predict(path)[0]
    by_folder = next(p for p in run.predict(images) if p.id == str(path))
    pixels = cv2.imread(str(path))[..., ::-1]
    by_array = run.predict([pixels])[0]

    assert by_path.label == "red"
    assert by_path.probability > 0.4
    assert by_path.id == str(path)
    assert next(iter(by_path.probabilities)) == "red"
    assert sum(by_path.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert by_folder.probability == pytest.approx(by_path.probability, abs=1e-6)
    assert by_array.probability == pytest.approx(by_path.probability, abs=1e-6)


BAD_INPUTS = {
    "nothing": ([], "no images"),
    "missing": (["nowhere.png"], "no such file or folder: nowhere.png"),
    "floats": (np.zeros((1, 20, 20, 3), np.float32), "expected uint8 pixels, received float32"),
    "no pixels": (np.zeros((1, 0, 20, 3), np.uint8), r"image 0: has no pixels, .*\(0, 20, 3\)"),
    "one without pixels": (np.zeros((20, 0, 3), np.uint8), "image 0: has no pixels"),
    "grey without channels": (np.zeros((2, 20, 20), np.uint8), r"image 0: expected \(height"),
    "one grey": (np.zeros((20, 20), np.uint8), r"image 0: expected \(height, width, 3\)"),
    "a number": (3, "expected paths or images, received int"),
    "an array of nothing": (np.zeros((), np.uint8), r"image 0: expected \(height, width, 3\)"),
    "grey": (np.zeros((2, 20, 20, 1), np.uint8), r"image 0: expected \(height, width, 3\)"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_inputs_that_can_not_be_predicted_are_refused(run: dlcv.Run, name: str) -> None:
    inputs, message = BAD_INPUTS[name]

    with pytest.raises(DlcvError, match=message):
        run.predict(inputs)


def test_unreadable_file_is_named_or_left_out(
    run: dlcv.Run, images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "cut.png"
    good = images / "red" / "03.png"
    bad.write_bytes(good.read_bytes()[:200])

    with pytest.raises(ImageError, match=r"cut\.png: can't be decoded"):
        run.predict([good, bad])
    predicted = run.predict([good, bad], bad_images="skip")
    assert [p.id for p in predicted] == [str(good)]
    assert "cut.png" in caplog.text


def test_kept_predictions_need_no_network(run: dlcv.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = dlcv.load(run.path)
    monkeypatch.setattr(type(loaded), "model", property(lambda self: pytest.fail("was built")))

    assert loaded.predictions().probabilities.shape == (1, 7, 3)


def test_other_data_is_matched_by_class_name(run: dlcv.Run, images: Path, tmp_path: Path) -> None:
    # Sorted, these two classes would be 0 and 1; to the network they are 0 and 2.
    for name in ("blue", "red"):
        (tmp_path / "new").mkdir(exist_ok=True)
        (tmp_path / "new" / name).symlink_to(images / name)

    predictions = run.predictions(str(tmp_path / "new"))

    assert set(predictions.labels) == {0, 2}
    assert (predictions.combined.argmax(axis=1) == predictions.labels).mean() > 0.7


def test_unknown_class_is_named(run: dlcv.Run, images: Path, tmp_path: Path) -> None:
    for name in ("blue", "violet"):
        (tmp_path / "new").mkdir(exist_ok=True)
        (tmp_path / "new" / name).symlink_to(images / "blue")

    with pytest.raises(DlcvError, match=r"does not know the class violet .*blue, green, red"):
        run.predictions(str(tmp_path / "new"))


def test_finished_run_is_not_trained_again(run: dlcv.Run) -> None:
    before = run.history

    assert dlcv.resume(run.path).history == before


def test_existing_run_is_not_overwritten(run: dlcv.Run, images: Path) -> None:
    before = (run.path / "run.toml").read_text()

    with pytest.raises(DlcvError, match="first exists already"):
        dlcv.run(data=str(images), runs=run.path.parent, name="first", **OPTIONS)
    assert (run.path / "run.toml").read_text() == before
    assert run.directory.model.exists()


def test_damaged_checkpoint_is_named(run: dlcv.Run, tmp_path: Path) -> None:
    copy = dlcv.load(shutil.copytree(run.path, tmp_path / "damaged"))
    *earlier, newest = sorted(copy.directory.checkpoints.iterdir())
    for path in earlier:
        path.unlink()
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)

    with pytest.raises(DlcvError, match=rf"{newest.name} is damaged: .* holds no whole checkpoint"):
        _ = copy.model


@pytest.mark.parametrize(
    ("orders", "precision"),
    [
        (["mean(per=pixel), patch(size=16)", "patch(size=16), mean(per=pixel)"], "float32"),
        (["mean(per=channel), patch(size=16)"], "mixed_bfloat16"),
    ],
)
def test_saved_model_takes_raw_pixels(
    tmp_path: Path, images: Path, orders: list[str], precision: str
) -> None:
    probabilities = []
    for number, order in enumerate(orders):
        run = dlcv.run(
            data=str(images),
            runs=tmp_path,
            name=str(number),
            preprocessors=f"aspect_aware(size=20), {order}",
            precision=precision,
            **{**QUICK, "architecture": "shallownet"},
        )
        raw = find_store(str(images)).open("all").read(range(6))
        pixels = run.pipeline.pixels(raw)
        saved = keras.saving.load_model(run.directory.model).predict(pixels, verbose=0)
        outside = _network_without_preprocessing(run).predict(
            run.pipeline.values(pixels), verbose=0
        )

        assert run.pipeline.value_steps[0].state_dict()["values"].std() > 0
        assert saved.dtype == np.float32
        np.testing.assert_array_equal(saved, outside)
        probabilities.append(saved)

    for others in probabilities[1:]:
        np.testing.assert_array_equal(others, probabilities[0])


def _network_without_preprocessing(run: dlcv.Run) -> keras.Model:
    """The run's network on float values, built anew, with the run's weights by layer name."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(run.config.precision)
    try:
        architecture = dlcv.registry.create("architecture", run.config.architecture)
        network = architecture.build((16, 16, 3), 3)
    finally:
        keras.config.set_dtype_policy(before)
    for layer in network.layers[1:]:
        layer.set_weights(run.model.get_layer(layer.name).get_weights())
    return network


def test_instances_can_be_given_and_are_recorded(folder: Path, images: Path) -> None:
    network = dlcv.registry.create("architecture", "mlp(units=5)")
    steps: list[Preprocessor] = dlcv.registry.create_list("preprocessor", "simple(size=16), scale")

    run = dlcv.run(
        data=str(images), architecture=network, preprocessors=steps, epochs=1, threads=1,
        runs=folder / "runs",
    )  # fmt: skip

    assert run.path.name == "mlp-photos-1"
    assert "mlp(units=5" in str(run.config.architecture)


def test_packed_data_gives_the_numbers_of_the_files(
    folder: Path, images: Path, tmp_path: Path
) -> None:
    from dlcv.config import SplitConfig
    from dlcv_plugins.commands.data.pack.pack import pack

    pack(
        str(images), tmp_path / "packed", preprocessors="aspect_aware(size=20)", split=SplitConfig()
    )
    with h5py.File(tmp_path / "packed" / "train.hdf5") as file:
        assert file["images"].shape == (25, 20, 20, 3)
    options = {**QUICK, "preprocessors": "aspect_aware(size=20), patch(size=16), mean"}
    files = dlcv.run(data=str(images), runs=folder / "runs", name="files", **options)
    packed = dlcv.run(data=str(tmp_path / "packed"), runs=folder / "runs", name="packed", **options)

    assert packed.metrics == files.metrics
    assert [r["loss"] for r in packed.history] == [r["loss"] for r in files.history]


def test_network_of_uniform_images_takes_others_too(folder: Path, images: Path) -> None:
    run = dlcv.run(
        data="digits", preprocessors="scale", fraction=0.1, runs=folder / "runs", **QUICK
    )  # fmt: skip
    assert run.input_shape == (8, 8, 1)
    path = images / "red" / "03.png"
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[..., np.newaxis]

    by_path, by_array = run.predict(path), run.predict([grey])

    assert by_path[0].probabilities == by_array[0].probabilities


@pytest.fixture
def called_hooks() -> Iterator[Callable[[], list[str]]]:
    """Notes the hooks that are called."""
    from dlcv.hooks import hook
    from dlcv.registry import registry

    called: list[str] = []

    class Noting:
        @hook
        def dlcv_run_started(self, run: dlcv.Run) -> None:
            called.append(f"started {run.path.name} {run.finished}")

        @hook
        def dlcv_run_finished(self, run: dlcv.Run, result: dict[str, float]) -> None:
            called.append(f"finished {run.path.name} {run.finished} {result == run.metrics}")

    plugin = Noting()
    registry.hooks()
    registry._manager.register(plugin)
    yield lambda: called
    registry._manager.unregister(plugin)


def test_hooks_are_called_around_a_run(
    folder: Path, images: Path, called_hooks: Callable[[], list[str]]
) -> None:
    dlcv.run(data=str(images), runs=folder / "runs", name="hooked", input_size=8, **QUICK)

    assert called_hooks() == ["started hooked False", "finished hooked True True"]


def test_one_array_is_one_image_if_its_last_axis_is_the_channels(run: dlcv.Run) -> None:
    batch = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), np.uint8)

    expected = run.predict_proba(batch)

    assert expected.shape == (3, 3)
    np.testing.assert_array_equal(run.predict_proba(batch[0]), run.predict_proba(batch[:1]))
    np.testing.assert_allclose(run.predict_proba(image for image in batch), expected, atol=1e-6)


def test_paths_may_come_one_by_one(run: dlcv.Run, images: Path) -> None:
    paths = sorted((images / "red").iterdir())

    assert [p.id for p in run.predict(path for path in paths)] == [*map(str, paths)]
    assert [p.id for p in run.predict(np.array([*map(str, paths)]))] == [*map(str, paths)]


GREY = {
    "one with channel": ((8, 8, 1), 1),
    "one without": ((8, 8), 1),
    "several with channel": ((2, 8, 8, 1), 2),
    "several without": ((5, 8, 8), 5),
}


@pytest.mark.parametrize("name", GREY)
def test_grey_images_need_no_axis_for_channels(name: str) -> None:
    shape, count = GREY[name]

    assert len(open_inputs(np.zeros(shape, np.uint8), 1)) == count


def test_options_override_the_size_of_a_run_that_is_repeated(run: dlcv.Run, folder: Path) -> None:
    larger = dlcv.run(
        run.path / "run.toml", runs=folder / "runs", name="larger", input_size=24,
        preprocessors="mean, patch", **QUICK,
    )  # fmt: skip
    again = dlcv.run(larger.path / "run.toml", runs=folder / "runs", name="re", input_size=20)

    assert larger.input_shape == (24, 24, 3)
    assert again.input_shape == (20, 20, 3)
    assert str(again.config.preprocessors).startswith(
        "aspect_aware(interpolation=area, final_resize=False), patch(in"
    )
    assert [step.size for step in again.pipeline.pixel_steps] == [(22, 22), (20, 20)]
