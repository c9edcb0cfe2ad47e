"""Features of images: what they are, that they can be gone on with, and what is refused."""

import errno
import filecmp
import json
import os
import re
import shutil
import signal
import tomllib

import h5py
import keras
import numpy as np
import pytest
import tomli_w
from forked import SERVER

import dlcv
from dlcv import files
from dlcv.errors import DlcvError
from dlcv.training import checkpoints
from dlcv_plugins import storage
from dlcv_plugins.trainers.features import extraction
from dlcv_plugins.trainers.features.features import Features


def test_features_are_what_the_network_gives_for_each_image(features, base_run, flowers):
    network = base_run.model
    body = keras.Model(network.inputs, network.get_layer("dense1_relu").output)
    import cv2

    for split in features.splits.values():
        # A file's name is told as the data has it.
        images = [cv2.imread(str(flowers / name))[..., ::-1] for name in split.sample_ids]
        expected = body.predict(np.stack(images), verbose=0)
        np.testing.assert_allclose(split.values, expected, rtol=1e-5, atol=1e-6)
        assert [split.label_names[i] for i in split.labels] == [
            name.rsplit("/", 2)[-2] for name in split.sample_ids
        ]


def test_any_hdf5_tool_reads_them(features):
    with h5py.File(features.path / "train.hdf5") as file:
        assert set(file) == {"features", "labels", "label_names", "indices", "sample_ids"}
        assert file["features"].dtype == np.float32
        assert file["features"].shape == (len(file["labels"]), 100)
        assert list(file["label_names"].asstr()) == ["daisy", "iris", "rose", "tulip"]
        labels = file["labels"][:]
    # They are shuffled: the classes do not follow each other.
    assert (np.diff(labels) != 0).sum() > 10


def test_the_folder_tells_what_the_features_were_made_of(features, base_run):
    about = features.about
    assert about["layer"] == "dense1_relu"
    assert about["features"] == 100
    assert str(base_run.path) in about["weights"]
    assert about["rows"] == {name: len(split) for name, split in features.splits.items()}
    assert about["classes"] == ["daisy", "iris", "rose", "tulip"]
    assert about["preprocessors"] == str(base_run.config.preprocessors)


def test_the_body_is_taken_by_default_and_an_unknown_layer_gets_the_nearest(
    base_run, made_with, tmp_path
):
    features = dlcv.extract(base_run.path, tmp_path / "f", fraction=0.3, **made_with)
    assert features.about["layer"] == "pool2"
    body = base_run.model.get_layer("pool2").output.shape[1:]
    assert features.about["features"] == np.prod(body)
    with pytest.raises(DlcvError, match=r'no layer "conv3" to cut at; did you mean .*"conv2"'):
        dlcv.extract(base_run.path, tmp_path / "g", layer="conv3", **made_with)
    assert not (tmp_path / "g").exists()


def test_random_steps_do_their_deterministic_part(base_run, made_with, tmp_path):
    steps = "patch(size=16), flip, affine, scale"
    shifted = dlcv.extract(base_run.path, tmp_path / "f", preprocessors=steps, **made_with)
    plain = dlcv.extract(
        base_run.path, tmp_path / "g", preprocessors="simple(size=16), scale", **made_with
    )
    np.testing.assert_array_equal(shifted.splits["val"].values, plain.splits["val"].values)


def extract_and_be_stopped(number, after, base, out, data):
    """Extracts in a process that gets a signal after some batches."""
    extraction.SECONDS_BETWEEN_KEEPING = 0
    written = []
    write = extraction.hdf5.RowWriter.write

    def writing(self, first, rows):
        write(self, first, rows)
        written.append(first)
        if len(written) == after:
            os.kill(os.getpid(), number)

    extraction.hdf5.RowWriter.write = writing
    dlcv.extract(base, out, layer="dense1_relu", data=data, threads=1, batch_size=8)


def exit_code(target, *arguments):
    """Calls a function in a process of its own that has Keras imported."""
    process = SERVER.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


@pytest.mark.parametrize(
    ("number", "after", "code"),
    [(signal.SIGKILL, 3, -9), (signal.SIGTERM, 1, 143), (signal.SIGINT, 6, None)],
)
def test_what_was_stopped_goes_on_to_the_same_bytes(
    number, after, code, features, base_run, flowers, tmp_path
):
    places = (str(base_run.path), str(tmp_path / "f"), str(flowers))
    ended = exit_code(extract_and_be_stopped, number, after, *places)
    assert code is None or ended == code
    assert not (tmp_path / "f").exists()
    progress = json.loads((tmp_path / ".f.part" / extraction.PROGRESS).read_text())
    # A kill loses at most what was written since the last time that rows were made sure of.
    assert sum(progress.values()) >= 8 * (after - 1) - 7 * len(progress)
    again = dlcv.extract(
        base_run.path,
        tmp_path / "f",
        layer="dense1_relu",
        data=str(flowers),
        threads=1,
        batch_size=8,
    )
    for split in again.splits:
        name = f"{split}.hdf5"
        assert filecmp.cmp(tmp_path / "f" / name, features.path / name, shallow=False)
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_kill_before_a_split_gets_its_name_loses_nothing(
    split, features, base_run, made_with, tmp_path, monkeypatch
):
    replace = os.replace

    def kill(source, target):
        if str(target).endswith(f"{split}.hdf5"):
            raise KeyboardInterrupt
        replace(source, target)

    options = {"layer": "dense1_relu", **made_with}
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            dlcv.extract(base_run.path, tmp_path / "f", **options)
    assert (tmp_path / ".f.part" / f".{split}.part.hdf5").exists()
    (tmp_path / ".f.part" / ".progress.1-2.tmp.json").touch()

    again = dlcv.extract(base_run.path, tmp_path / "f", **options)

    # No split is a multiple of the batch, so the last batch is done again.
    assert len(features.splits[split]) % made_with["batch_size"]
    assert again.splits.keys() == features.splits.keys()
    for name in again.splits:
        path = tmp_path / "f" / f"{name}.hdf5"
        assert filecmp.cmp(path, features.path / path.name, shallow=False)
    assert sorted(os.listdir(tmp_path)) == ["f"]
    assert not list((tmp_path / "f").glob(".*"))


def test_a_folder_that_lacks_a_split_is_refused(copied):
    text = (copied / "features.toml").read_text()
    start = text.index('[files."test.hdf5"]')
    end = text.find("[files", start + 1)
    (copied / "features.toml").write_text(text[:start] + (text[end:] if end > 0 else ""))

    with pytest.raises(DlcvError, match=r"lacks test\.hdf5, though its extraction had test images"):
        Features.open(copied)


def test_features_that_are_no_numbers_are_named(copied, tmp_path):
    path = copied / "val.hdf5"
    with h5py.File(path) as file:
        offset = file["features"].id.get_offset()
    values = np.memmap(path, "<f4", "r+", offset, (2, 100))
    values[1, 7] = np.nan
    values.flush()
    record = tomllib.loads((copied / "features.toml").read_text())
    record["files"]["val.hdf5"] = files.record(path)
    (copied / "features.toml").write_text(tomli_w.dumps(record))
    name = Features.open(copied).splits["val"].sample_ids[1]

    with pytest.raises(DlcvError, match=rf"the features of .*{name} \(row 1\) are not finite"):
        dlcv.fit(copied, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def extract_and_be_killed(moment, base, out, data):
    """Extracts in a process that is killed when the folder gets its name."""
    replace = storage._replace_folder

    def replacing(*folders):
        if moment == "after":
            replace(*folders)
        os.kill(os.getpid(), signal.SIGKILL)

    storage._replace_folder = replacing
    dlcv.extract(base, out, data=data, threads=1, fraction=0.3)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_the_very_end_leaves_all_or_nothing(moment, base_run, flowers, tmp_path):
    """The folder takes its name at the end; what is left then must still become whole."""
    places = (str(base_run.path), str(tmp_path / "f"), str(flowers))
    assert exit_code(extract_and_be_killed, moment, *places) == -signal.SIGKILL
    if moment == "before":
        dlcv.extract(base_run.path, tmp_path / "f", data=str(flowers), threads=1, fraction=0.3)
    features = Features.open(tmp_path / "f")
    assert features.config.data == f'folder(path="{flowers}", color_mode=rgb)'
    assert len(os.listdir(features.directory.checkpoints)) == 1
    assert not (features.path / extraction.BEGUN).exists()


def test_another_network_is_no_way_to_go_on(base_run, made_with, tmp_path, monkeypatch):
    def stop(*arguments, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(extraction, "_finish", stop)
        with pytest.raises(KeyboardInterrupt):
            dlcv.extract(base_run.path, tmp_path / "f", **made_with)
    with pytest.raises(DlcvError) as raised:
        dlcv.extract(base_run.path, tmp_path / "f", layer="dense1_relu", **made_with)
    assert "layer: pool2 there, dense1_relu here" in str(raised.value)
    assert "start again with --force" in str(raised.value)
    again = dlcv.extract(
        base_run.path, tmp_path / "f", layer="dense1_relu", force=True, **made_with
    )
    assert again.about["layer"] == "dense1_relu"


def test_a_disk_without_room_is_named_and_nothing_is_left(
    base_run, made_with, tmp_path, monkeypatch
):
    usage = shutil._ntuple_diskusage(total=10**9, used=10**9 - 100, free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    with pytest.raises(DlcvError, match=rf"kB are needed in {tmp_path}, where 0.1 kB are free"):
        dlcv.extract(base_run.path, tmp_path / "f", **made_with)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_before_the_extraction_begins_leaves_nothing(
    base_run, made_with, tmp_path, monkeypatch
):
    def save(folder, checkpoint):
        with files.atomic_path(folder / "weights"):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "save", save)
    with pytest.raises(DlcvError) as raised:
        dlcv.extract(base_run.path, tmp_path / "f", **made_with)
    assert f"can't write {tmp_path}/f/checkpoints/weights: no space left on device" in str(
        raised.value
    )
    assert "nothing is under that name; free some space, then run the" in str(raised.value)
    assert os.listdir(tmp_path) == []


def test_a_disk_that_fills_names_the_file_by_its_final_name(
    base_run, made_with, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DlcvError, match=f"can't write {tmp_path}/f/train.hdf5: no space left"):
        dlcv.extract(base_run.path, tmp_path / "f", **made_with)


def test_nothing_but_features_is_replaced(base_run, made_with, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DlcvError, match="exists already; choose another name"):
        dlcv.extract(base_run.path, tmp_path / "photos", **made_with)
    with pytest.raises(DlcvError, match="holds no features, so --force does not replace it"):
        dlcv.extract(base_run.path, tmp_path / "photos", force=True, **made_with)


@pytest.fixture
def copied(features, tmp_path):
    return shutil.copytree(features.path, tmp_path / "features")


@pytest.mark.parametrize("name", ["train.hdf5", "test.hdf5"])
def test_cut_and_damaged_files_are_refused(copied, name):
    path = copied / name
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DlcvError, match=rf"{name} is damaged: it has .* bytes, not the"):
        Features.open(copied)
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DlcvError, match=r"recorded, or it holds features of another .*lenet"):
        Features.open(copied)
    path.unlink()
    with pytest.raises(DlcvError, match=rf"{name} is missing; extract the features again"):
        Features.open(copied)


def test_a_file_of_another_network_is_refused_with_what_differs(
    copied, base_run, made_with, tmp_path
):
    other = dlcv.extract(base_run.path, tmp_path / "other", **made_with)
    shutil.copy2(other.path / "val.hdf5", copied / "val.hdf5")
    with pytest.raises(DlcvError, match=r"dense1_relu \(100 an image\): extract them again"):
        Features.open(copied)
    # Somebody who changes the record as well is told what differs.
    ours, theirs = (p / "features.toml" for p in (copied, other.path))
    record = re.compile(r'\[files\."val\.hdf5"\]\n.*?\n\n', re.DOTALL)
    ours.write_text(
        record.sub(lambda _: record.search(theirs.read_text() + "\n")[0], f"{ours.read_text()}\n")
    )
    with pytest.raises(
        DlcvError, match=r"another network or other data .*features: \d+ there, 100"
    ):
        Features.open(copied)


@pytest.mark.parametrize("missing", ["labels", "label_names", "features", "sample_ids"])
def test_missing_labels_are_named(copied, missing):
    with h5py.File(copied / "train.hdf5", "r+") as file:
        del file[missing]
    forget_checksum(copied, "train.hdf5")
    with pytest.raises(DlcvError, match=f'has no data set "{missing}"; it needs features, labels'):
        Features.open(copied)


@pytest.mark.parametrize("shape", [(), (7, 1)])
def test_labels_of_another_shape_are_refused(copied, shape):
    with h5py.File(copied / "train.hdf5", "r+") as file:
        del file["labels"]
        file["labels"] = np.zeros(shape, np.int64)
    forget_checksum(copied, "train.hdf5")
    with pytest.raises(DlcvError, match="do not agree"):
        Features.open(copied)


def test_a_description_that_is_nested_too_deep_is_damage(copied):
    (copied / "features.toml").write_text("a = " + "[" * 5000)
    with pytest.raises(DlcvError, match=r"features\.toml is damaged"):
        Features.open(copied)


def forget_checksum(folder, name):
    """Records the file as it is, as a person might who changes features on purpose."""
    from dlcv import files

    text = (folder / "features.toml").read_text()
    now = files.record(folder / name)
    lines = "".join(f"{k} = {json.dumps(v)}\n" for k, v in now.items())
    text = re.sub(rf'(\[files\."{name}"\]\n)(?:\w+ = .*\n)+', rf"\g<1>{lines}", text)
    (folder / "features.toml").write_text(text)


def test_a_folder_that_holds_no_features_is_refused(tmp_path, copied):
    with pytest.raises(DlcvError, match=r"does not exist; `dlcv extract` makes"):
        Features.open(tmp_path / "none")
    with pytest.raises(DlcvError, match=r"holds no features\.toml; `dlcv extract` makes"):
        Features.open(tmp_path)
    (copied / "features.toml").write_text("[extraction]\nbase = 3\n")
    with pytest.raises(DlcvError, match=r"features\.toml is damaged"):
        Features.open(copied)


@pytest.mark.parametrize(
    ("base", "options", "message"),
    [
        ("lenet", {}, "lenet has no weights of its own to begin with"),
        ("lenet", {"weights": "imagenet"}, "lenet has no weights of its own to begin with"),
        ("vgg16(weights=imagenet)", {"weights": "imagenet"}, "name the weights by weights alone"),
        ("lenet", {"weights": "none.weights.h5"}, "no such file or run"),
        ("vgg61", {}, "did you mean"),
    ],
)
def test_weights_that_can_not_be_had_are_refused(base, options, message, flowers, tmp_path):
    with pytest.raises(DlcvError, match=message):
        dlcv.extract(base, tmp_path / "f", data=str(flowers), threads=1, **options)
    assert os.listdir(tmp_path) == []


def test_a_run_has_its_own_weights(base_run, flowers, tmp_path):
    with pytest.raises(DlcvError, match="is a run, which has its own weights"):
        dlcv.extract(base_run.path, tmp_path / "f", weights="imagenet", data=str(flowers))
    with pytest.raises(DlcvError, match="is no run"):
        dlcv.extract(flowers, tmp_path / "f", data=str(flowers))


@pytest.mark.slow
def test_layers_of_a_pretrained_networks_own_classifier_are_refused(base_run, flowers, tmp_path):
    network = "mobilenetv3small"
    path = tmp_path / "body.weights.h5"
    body = keras.applications.MobileNetV3Small(include_top=False, weights=None)
    body.save_weights(path)
    with pytest.raises(DlcvError, match="conv_2 is of the network's own classifier"):
        dlcv.extract(
            f'{network}(weights="{path}")', tmp_path / "f", layer="conv_2_hard_swish",
            data=str(flowers), input_size=32, threads=1, fraction=0.3,
        )  # fmt: skip
    pooled = dlcv.extract(
        f'{network}(weights="{path}")', tmp_path / "f", layer="avg_pool", data=str(flowers),
        input_size=32, threads=1, fraction=0.3,
    )  # fmt: skip
    assert pooled.about["features"] == 576
