"""Exported models predict what the run predicts, wherever they run, and are refused otherwise."""

import contextlib
import errno
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import keras
import numpy as np
import pytest
from conftest import write_image

import dlcv
from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.interfaces import Exporter, Session, plugin
from dlcv.runs.run import Run
from dlcv_plugins.commands.export import description, write
from dlcv_plugins.commands.export.parity import compare
from dlcv_plugins.exporters import saved_model
from dlcv_plugins.exporters.exported import Exported, require_installed

EXPORTERS = registry.names("exporter")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos of three colours, in many sizes."""
    root, rng = tmp_path_factory.mktemp("export"), np.random.default_rng(0)
    for label, name in enumerate(("blue", "green", "red")):
        for number in range(14):
            image = rng.integers(0, 120, (*rng.integers(22, 40, 2), 3), np.uint8)
            image[..., 2 - label] += 100
            write_image(root / "photos" / name / f"{number:02d}.png", image)
    return root


@pytest.fixture(scope="module")
def run(folder):
    """A run with a step of each kind: resizing, cut at random, augmentation, values."""
    return dlcv.run(
        data=str(folder / "photos"),
        architecture="lenet(width=0.2)",
        preprocessors="aspect_aware(size=20), patch(size=16), flip, mean",
        epochs=1,
        batch_size=8,
        name="colours",
        runs=folder / "runs",
    )


@pytest.fixture(scope="module")
def saved(folder, run):
    """The run as a SavedModel, which can be written everywhere."""
    return dlcv.export_run(run.path, "saved_model", folder / "exported" / "saved")


@pytest.fixture
def copied(saved, tmp_path):
    """A copy to damage."""
    return shutil.copytree(saved.path, tmp_path / "copied")


@pytest.fixture
def photos(folder):
    return sorted(map(str, folder.glob("photos/*/0[0-4].png")))


@pytest.fixture(params=EXPORTERS)
def kind(request):
    """Each format that can be written here."""
    skip_unless_installed(request.param)
    return request.param


def skip_unless_installed(name):
    try:
        require_installed(registry.create("exporter", name), to_write=True)
    except DlcvError as error:
        pytest.skip(str(error))


def hide(monkeypatch, exporter):
    """Lets the modules that an exporter needs be missing."""
    lacking = {*exporter.writer_modules, exporter.runtime_module}
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name in lacking else find(name, *rest),
    )


def use(folder, photos):
    loaded = dlcv.load(folder)
    loaded.predict_proba(photos)
    registry.create_list("evaluator", loaded.evaluators)


def edit(folder, **changes):
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_each_exporter_predicts_what_the_run_predicts(run, folder, photos, kind):
    exported = dlcv.export_run(run.path, kind, folder / "exported" / kind)

    expected = run.predict_proba(photos)
    np.testing.assert_allclose(exported.predict_proba(photos), expected, atol=1e-5)
    np.testing.assert_allclose(exported.predict_proba(photos[:1]), expected[:1], atol=1e-5)
    crops = exported.predict_proba(photos, preprocessors="crop, mean")
    expected = run.predict_proba(photos, preprocessors="crop, mean")
    np.testing.assert_allclose(crops, expected, atol=1e-5)
    own, theirs = exported.predictions(), run.predictions()
    assert own.sample_ids == theirs.sample_ids
    np.testing.assert_array_equal(own.labels, theirs.labels)
    np.testing.assert_allclose(own.combined, theirs.combined, atol=1e-5)


def test_a_model_is_described_for_others(run, saved):
    told = saved.description

    assert told["classes"] == ["blue", "green", "red"]
    assert told["input"]["name"] == "pixels"
    assert told["input"]["shape"] == [None, 16, 16, 3]
    assert (told["input"]["dtype"], told["input"]["color_order"]) == ("uint8", "red, green, blue")
    # Augmentation is left out; what learns a mean is in the model.
    assert [step["spec"] for step in told["pixel_steps"]] == [
        "aspect_aware(size=20, interpolation=area, final_resize=False)",
        "patch(size=16, interpolation=area, padding=0)",
    ]
    assert [step["spec"] for step in told["value_steps"]] == ["mean(per=channel)"]
    assert told["parity"]["images"] == len(run.predictions().labels)
    assert told["parity"]["largest_difference"] <= told["parity"]["tolerance"] == 1e-3
    assert told["run"]["name"] == "colours"
    assert told["environment"]["libraries"]["keras"]


STRANGER = """
import json, sys
import cv2, numpy, onnxruntime

folder, *photos = sys.argv[1:]
told = json.load(open(folder + "/model.json"))
session = onnxruntime.InferenceSession(f"{folder}/{told['file']}")

def resized(image, height, width):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)

def prepared(path):
    image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    factor = max(20 / height, 20 / width)
    height, width = round(height * factor), round(width * factor)
    image = resized(image, height, width)
    top, left = (height - 20) // 2, (width - 20) // 2
    return resized(image[top : top + 20, left : left + 20], 16, 16)

pixels = numpy.stack([prepared(path) for path in photos])
[rows] = session.run([told["output"]["name"]], {told["input"]["name"]: pixels})
assert "dlcv" not in sys.modules and "tensorflow" not in sys.modules
print(json.dumps(rows.tolist()))
"""


def test_a_stranger_needs_the_folder_and_onnxruntime_alone(run, folder, photos):
    skip_unless_installed("onnx")
    exported = dlcv.export_run(run.path, "onnx", folder / "exported" / "given away")
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, str(exported.path), *photos],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    np.testing.assert_allclose(json.loads(done.stdout), run.predict_proba(photos), atol=1e-5)


@pytest.mark.slow
def test_openvino_sends_no_usage_data(run, tmp_path):
    """Its telemetry begins with an id in the home folder."""
    skip_unless_installed("openvino")
    variables = {name: text for name, text in os.environ.items() if name != "CI"}
    (tmp_path / "home").mkdir()
    subprocess.run(
        [sys.executable, "-m", "dlcv", "export", run.path, "--format", "openvino", "--out", "out"],
        cwd=tmp_path, env={**variables, "HOME": str(tmp_path / "home")}, check=True,
    )  # fmt: skip
    assert (tmp_path / "out" / "model.xml").exists()
    assert not (tmp_path / "home" / "intel").exists()


@pytest.mark.parametrize("name", ["onnx", "litert", "openvino"])
def test_a_missing_converter_is_named_with_its_extra(run, tmp_path, monkeypatch, name):
    hide(monkeypatch, registry.create("exporter", name))
    with pytest.raises(DlcvError, match=rf"not installed; install with: pip install 'dlcv\[{name}"):
        dlcv.export_run(run.path, name, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_missing_runtime_is_named_with_its_extra(copied, monkeypatch):
    edit(copied, format="onnx", file="model.onnx")
    hide(monkeypatch, registry.create("exporter", "onnx"))
    with pytest.raises(DlcvError, match=r"running onnx needs onnxruntime, .* 'dlcv\[onnx\]'"):
        dlcv.load(copied)


def test_what_is_not_close_is_not_kept(run, copied, photos, monkeypatch):
    class Wrong(saved_model._Session):
        def predict_on_batch(self, pixels):
            return np.roll(super().predict_on_batch(pixels), 1, axis=1)

    monkeypatch.setattr(saved_model, "_Session", Wrong)
    before = {path.name for path in copied.parent.iterdir()}
    with pytest.raises(DlcvError, match=r"outputs differ from the run's: on .* images"):
        dlcv.export_run(run.path, "saved_model", copied.parent / "wrong")
    with pytest.raises(DlcvError, match="outputs differ from the run's"):
        dlcv.export_run(run.path, "saved_model", copied, force=True)
    assert {path.name for path in copied.parent.iterdir()} == before
    monkeypatch.undo()
    assert len(dlcv.load(copied).predict_proba(photos)) == len(photos)


def test_closeness_is_a_thousandth_and_the_same_top_class():
    of_run = np.array([[0.7, 0.2, 0.1], [0.5, 0.4998, 0.0002]], np.float32)
    found = compare(of_run, of_run + np.float32([0.0005, -0.0005, 0]), "images", "onnx")
    assert found.largest_difference == pytest.approx(0.0005, abs=1e-6)
    assert (found.images, found.same_top_class) == (2, 2)
    # The run itself hardly tells the first two classes of the second image apart.
    swapped = np.array([[0.7, 0.2, 0.1], [0.4998, 0.5, 0.0002]], np.float32)
    assert compare(of_run, swapped, "images", "onnx").same_top_class == 1
    for wrong in (of_run + np.float32([0.002, -0.002, 0]), of_run * np.nan):
        with pytest.raises(DlcvError, match="differs by up to"):
            compare(of_run, wrong, "images", "onnx")


def test_steps_that_hand_a_batch_back_are_augmentation():
    made = registry.create_list("preprocessor", "flip, patch(size=8), noise, simple(size=8)")
    same_size = list(np.zeros((2, 8, 8, 3), np.uint8))
    assert description.without_augmentation(made, same_size) == [made[1], made[3]]


def test_16_bit_runs_are_exported_in_32_bits(folder, photos):
    half = dlcv.run(
        data=str(folder / "photos"),
        architecture="shallownet",
        preprocessors="simple(size=16), scale",
        precision="mixed_bfloat16",
        optimizer="sgd",
        epochs=1,
        name="half",
        runs=folder / "runs",
    )
    exported = dlcv.export_run(half.path, "saved_model", folder / "exported" / "half")
    found = exported.predict_proba(photos)
    single = Run(half.directory, half.build("float32"))
    np.testing.assert_allclose(found, single.predict_proba(photos), atol=1e-5)
    assert 1e-5 < np.abs(found - half.predict_proba(photos)).max() < 0.02


def test_images_that_are_gone_are_told(run, folder, tmp_path, caplog):
    moved = shutil.copytree(run.path, tmp_path / "moved")
    text = (moved / "run.toml").read_text()
    assert f'"{folder}/photos"' in text.replace("\\", "")
    (moved / "run.toml").write_text(text.replace(f"{folder}/photos", f"{tmp_path}/gone"))
    exported = dlcv.export_run(moved, "saved_model", tmp_path / "out")
    assert exported.description["parity"]["source"] == "scikit-learn's digits"
    assert "it is compared on scikit-learn's digits instead" in caplog.text
    with pytest.raises(DlcvError, match=r"that were held out can't be opened .* with --data"):
        exported.predictions()
    assert len(exported.predictions(str(folder / "photos")).labels) == 42
    with pytest.raises(DlcvError, match='only the held-out images \\("test"\\) are known by name'):
        exported.predictions(split="train")


def test_a_folder_that_is_there_is_not_replaced(run, saved, tmp_path):
    with pytest.raises(DlcvError, match="exists already; choose another name, or replace it with"):
        dlcv.export_run(run.path, "saved_model", saved.path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("three years")
    with pytest.raises(DlcvError, match="mine holds no exported model, so --force does not"):
        dlcv.export_run(run.path, "saved_model", tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "thesis.tex").exists()
    (tmp_path / "mine" / "model.json").write_text('{"format": "layers-model"}')  # TensorFlow.js
    with pytest.raises(DlcvError, match="mine holds no exported model, so --force does not"):
        dlcv.export_run(run.path, "saved_model", tmp_path / "mine", force=True)


def test_only_a_finished_run_is_exported(run, saved, tmp_path):
    with pytest.raises(DlcvError, match=r'unknown exporter "h5" .*; there are litert, onnx'):
        dlcv.export_run(run.path, "h5")
    with pytest.raises(DlcvError, match="is an exported model; export the run that it came from"):
        dlcv.export_run(saved.path, "saved_model", tmp_path / "out")
    several = tmp_path / "several"
    for number in ("1", "2"):
        shutil.copytree(run.path, several / "members" / number)
    (several / "run.toml").write_text(run.config.with_options(members=2).to_toml())
    with pytest.raises(DlcvError, match="is an ensemble; export its members one by one, such as"):
        dlcv.export_run(several, "saved_model", tmp_path / "out")
    begun = shutil.copytree(run.path, tmp_path / "begun")
    (begun / "metrics.json").unlink()
    with pytest.raises(DlcvError, match="begun is not finished; continue with: dlcv resume"):
        dlcv.export_run(begun, "saved_model", tmp_path / "out")
    with pytest.raises(DlcvError, match="is no run and has no checkpoints"):
        dlcv.load(saved.path, checkpoint="best")


def test_of_classifiers_on_features_only_a_linear_one_is_exported(folder, photos, tmp_path):
    fitted = {
        name: dlcv.run(
            data=str(folder / "photos"),
            architecture="shallownet",
            preprocessors="simple(size=16), scale",
            classifier=name,
            name=name.partition("(")[0],
            runs=folder / "runs",
        )
        for name in ("logistic_regression(C=(1,))", "random_forest(trees=5)")
    }
    linear, forest = fitted.values()
    exported = dlcv.export_run(linear.path, "saved_model", folder / "exported" / "linear")
    np.testing.assert_allclose(
        exported.predict_proba(photos), linear.predict_proba(photos), atol=1e-5
    )
    with pytest.raises(DlcvError, match="predicts by random_forest, which is no layer"):
        dlcv.export_run(forest.path, "saved_model", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_ensemble_of_a_run_and_an_exported_model(run, saved, photos):
    together = dlcv.load(run.path, saved.path)
    np.testing.assert_allclose(together.predict_proba(photos), run.predict_proba(photos), atol=1e-5)
    assert saved.validation_accuracy == run.validation_accuracy


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dlcv_export": 2}, "damaged: it has version 2, and this dlcv reads version 1"),
        ({"format": "pickle"}, 'is of a format that is not installed: unknown exporter "pickle"'),
        ({"file": "../elsewhere"}, "damaged: a model of this format is not in a file"),
        ({"files": {"../model": {"bytes": 1, "sha256": ""}}}, "damaged: the file '../model' is"),
        ({"classes": ["a", "a"]}, "damaged: there are no classes, or a class is listed twice"),
        (
            {"classes": ["a", "b"]},
            "it has an input of 16 x 16 x 3 and 2 classes, and the model has",
        ),
        ({"input": {"name": "x"}}, "damaged: input has no height"),
        ({"pixel_steps": [{"spec": "no_such_step"}]}, 'unknown preprocessor "no_such_step"'),
        ({"pixel_steps": [{"spec": "simple(size=9)"}]}, "the images have 9 x 9 pixels"),
        ({"evaluators": "no_such"}, 'unknown evaluator "no_such"'),
    ],
)
def test_a_damaged_description_is_one_line(copied, photos, changes, reason):
    edit(copied, **changes)
    with pytest.raises(DlcvError) as caught:
        use(copied, photos)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_model_is_one_line(copied):
    weights = next(copied.rglob("variables.data*"))
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DlcvError, match="is damaged: its content is not what was recorded"):
        dlcv.load(copied)
    weights.unlink()
    with pytest.raises(DlcvError, match="is missing; export the run again, or copy the whole"):
        dlcv.load(copied)
    (copied / "model.json").write_text('{"dlcv_export": 1,')
    with pytest.raises(DlcvError, match=r"model\.json is damaged"):
        dlcv.load(copied)


def test_a_file_that_is_no_model_is_one_line(copied, kind):
    """Checksums tell of damage, not of who wrote a file: the runtime must refuse it as well."""
    name = registry.get("exporter", kind).file
    model = copied / ("saved_model/saved_model.pb" if kind == "saved_model" else name)
    model.write_bytes(b"no model at all" * 99)
    edit(copied, format=kind, file=name, files={})
    with pytest.raises(DlcvError) as caught:
        _ = dlcv.load(copied).session
    assert str(model.name) in str(caught.value) or "saved_model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_state_that_is_of_no_pixel_step_is_one_line(copied, saved):
    np.savez(copied / "pixel_steps.npz", **{"0.secret": np.zeros(3)})
    with pytest.raises(DlcvError, match=r"pixel_steps\.npz does not fit model\.json"):
        _ = Exported(copied).pixel_steps
    plain = registry.create_list("preprocessor", "aspect_aware(size=20), patch(size=16)")
    assert saved.pixel_steps == tuple(plain)


def test_grey_pictures_stay_grey(digits_run, folder, tmp_path):
    exported = dlcv.export_run(digits_run.path, "saved_model", tmp_path / "out")
    assert exported.description["input"]["color_order"] == "grey"
    photo = next(folder.glob("photos/red/*.png"))
    np.testing.assert_allclose(
        exported.predict_proba(photo), digits_run.predict_proba(photo), atol=1e-6
    )
    image = cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_allclose(
        exported.predict_proba(image), digits_run.predict_proba(image), atol=1e-6
    )


def test_models_of_older_versions_are_read(copied, photos, run):
    told = json.loads((copied / "model.json").read_text())
    told["input"]["colour_order"] = told["input"].pop("color_order")
    (copied / "model.json").write_text(json.dumps(told))
    np.testing.assert_allclose(
        dlcv.load(copied).predict_proba(photos), run.predict_proba(photos), atol=1e-5
    )


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(6, 3, activation="gelu"),
        keras.layers.Conv2D(6, 3, padding="same", groups=3, strides=2),
        keras.layers.Conv2D(6, 3, groups=3, dilation_rate=2),
        keras.Sequential([keras.layers.Conv2D(3, 3, groups=3)]),
    ],
    ids=["gelu", "groups, strides", "groups, dilation", "groups in a network inside"],
)
def test_onnx_has_what_convnext_is_made_of(tmp_path, layer):
    """TensorFlow computes GELU by `Erfc`, and groups by XLA; tf2onnx knows neither."""
    skip_unless_installed("onnx")
    inputs = keras.Input((6, 6, 3), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(1 / 64, dtype="float32")(inputs)
    x = keras.layers.Flatten()(layer(x))
    network = keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))
    onnx = registry.create("exporter", "onnx")
    onnx.write(network, tmp_path / onnx.file)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), np.uint8)
    found = onnx.open(tmp_path / onnx.file, 1).predict_on_batch(pixels)
    np.testing.assert_allclose(found, network.predict_on_batch(pixels), atol=1e-6)


@plugin
class Arrays(Exporter):
    """The network as Keras's own file, of somebody else's package."""

    file = "network.keras"

    def write(self, network, path):
        network.save(path)

    def open(self, path, threads):
        return _OfKeras(path)


class _OfKeras(Session):
    input_name, output_name = "pixels", "probabilities"

    def __init__(self, path):
        self.model = keras.saving.load_model(path, compile=False)
        self.input_shape = self.model.input_shape
        self.classes = self.model.output_shape[-1]

    def predict_on_batch(self, pixels):
        return np.asarray(self.model.predict_on_batch(pixels))


def test_an_exporter_of_another_package_is_used_like_ours(run, photos, tmp_path):
    with registry.register("exporter", "arrays", Arrays):
        exported = dlcv.export_run(run.path, "arrays", tmp_path / "out")
        assert exported.description["parity"]["largest_difference"] < 1e-5
        loaded = dlcv.load(tmp_path / "out")
        np.testing.assert_allclose(
            loaded.predict_proba(photos), run.predict_proba(photos), atol=1e-5
        )
    with pytest.raises(DlcvError, match="is of a format that is not installed: unknown exporter"):
        dlcv.load(tmp_path / "out")


def failing(exporter, error):
    """Returns an exporter that begins to write, and fails."""

    class Failing(type(exporter)):
        def write(self, network, path):
            path.write_text("half")
            raise error

    return Failing


def test_a_full_disk_is_named_with_the_cure(run, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Arrays, "write", failing(Arrays(), full).write)
    with (
        registry.register("exporter", "arrays", Arrays),
        pytest.raises(
            DlcvError, match=r"out/network\.keras: No space left .*; make room there, or"
        ),
    ):
        dlcv.export_run(run.path, "arrays", tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if "lock" not in path.name]


def test_a_full_disk_is_named_after_the_conversion_too(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(write, "_describe", full)
    with (
        registry.register("exporter", "arrays", Arrays),
        pytest.raises(DlcvError, match=r"can't write .*out: no space left .*; free some space"),
    ):
        dlcv.export_run(run.path, "arrays", tmp_path / "out")
    assert not (tmp_path / "out").exists()


LIMITED = """
import resource, sys
import dlcv
from dlcv.errors import DlcvError
from dlcv_plugins.commands.export import write

# As a full disk, this reaches the converter after its work has begun; room is checked before.
write.files.require_space = lambda *_: None
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
run, out, *names = sys.argv[1:]
for name in names:
    try:
        dlcv.export_run(run, name, f"{out}/{name}")
    except DlcvError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_file_that_can_not_be_written_is_named_whatever_the_converter_raises(run, tmp_path):
    """Of the file's size, for no test may fill the disk; converters in C++ hide both alike."""
    made = [registry.create("exporter", name) for name in EXPORTERS]
    names = [
        name
        for name, exporter in zip(EXPORTERS, made, strict=True)
        if not exporter.missing(to_write=True)
    ]
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(run.path), str(tmp_path), *names],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "saved_model" in names
    for name, line in zip(names, ended.stdout.splitlines(), strict=True):
        file = registry.get("exporter", name).file
        assert line.startswith(f"can't write {tmp_path}/{name}/{file}: File too large; make room")
        assert not (tmp_path / name).exists()


def test_a_model_that_its_runtime_refuses_is_not_advised_to_be_exported_again(
    run, tmp_path, monkeypatch
):
    def refuse(self, path, threads):
        raise RuntimeError("Erfc is not a registered function/op")

    monkeypatch.setattr(Arrays, "open", refuse)
    with registry.register("exporter", "arrays", Arrays), pytest.raises(DlcvError) as caught:
        dlcv.export_run(run.path, "arrays", tmp_path / "out")
    assert str(caught.value) == (
        "arrays can't run the network that it converted: Erfc is not a registered function/op; "
        "choose another format; `dlcv plugins list exporter` lists them"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("also_fails", [False, True])
def test_ctrl_c_while_converting_ends_the_command_and_leaves_nothing(
    run, tmp_path, monkeypatch, also_fails
):
    """A converter that catches everything can't swallow it, nor report it as its own error."""

    def write(self, network, path):
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
        network.save(path)
        if also_fails:
            raise RuntimeError("interrupted")

    monkeypatch.setattr(Arrays, "write", write)
    with registry.register("exporter", "arrays", Arrays), pytest.raises(KeyboardInterrupt):
        dlcv.export_run(run.path, "arrays", tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_a_runtime_takes_for_its_own_error_ends_the_command(
    run, tmp_path, monkeypatch, number
):
    """onnxruntime raises another error where ctrl+c comes while it opens a model."""

    def refuse(self, path, threads):
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), number)
            time.sleep(0.1)
        raise RuntimeError("interrupted")

    monkeypatch.setattr(Arrays, "open", refuse)
    stopped = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    with registry.register("exporter", "arrays", Arrays), pytest.raises(stopped) as caught:
        dlcv.export_run(run.path, "arrays", tmp_path / "out")
    assert number == signal.SIGINT or caught.value.code == 143
    assert not list(tmp_path.iterdir())
