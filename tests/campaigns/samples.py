"""Whole files of every kind that `dlcv` reads, small, to be changed by `mutations.py`."""

import io
import json
import shutil
import sys
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))


def picture(height: int = 40, width: int = 56) -> np.ndarray:
    """Returns soft colors with some noise, as photographs have: `(H, W, 3)` uint8."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    channels = [(rows * a + columns * b) % 256 for a, b in ((3, 1), (1, 4), (2, 2))]
    return np.clip(np.stack(channels, 2) + rng.integers(0, 9, (height, width, 3)), 0, 255).astype(
        np.uint8
    )


def image_files() -> dict[str, bytes]:
    """Returns images by what they are, the format first: `png palette`."""
    import cv2
    import imagecodecs
    from PIL import Image

    from dlcv_plugins.image_formats.pillow_formats import enable_heif

    enable_heif()
    pixels = picture()
    color = Image.fromarray(pixels)
    few = [color.quantize(64), color.quantize(9)]
    alpha = Image.fromarray(np.dstack([pixels, pixels[..., :1]]))
    deep = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    made = {
        "jpeg plain": (color, {"quality": 90}),
        "jpeg progressive": (color, {"progressive": True}),
        "jpeg restarts": (color, {"restart_marker_blocks": 4, "exif": exif}),
        "jpeg grey": (color.convert("L"), {}),
        "jpeg inks": (color.convert("CMYK"), {}),
        "png plain": (color, {}),
        "png palette": (color.quantize(32), {"transparency": 0}),
        "png alpha": (alpha, {"exif": exif}),
        "png deep": (deep, {}),
        "png bits": (color.convert("1"), {}),
        "webp lossy": (color, {}),
        "webp lossless": (alpha, {"lossless": True, "exif": exif}),
        "bmp plain": (color, {}),
        "bmp palette": (color.quantize(200), {}),
        "tiff plain": (color, {}),
        "tiff lzw": (alpha, {"compression": "tiff_lzw"}),
        "tiff jpeg": (color, {"compression": "jpeg"}),
        "tiff deflate": (color.convert("CMYK"), {"compression": "tiff_adobe_deflate"}),
        "tiff deep": (deep, {}),
        "tiff fax": (color.convert("1"), {"compression": "group4"}),
        "tiff large": (color, {"big_tiff": True}),
        "gif plain": (few[0], {}),
        "gif frames": (
            color.quantize(64),
            {"save_all": True, "append_images": [color.quantize(9)]},
        ),
        "avif plain": (color, {}),
        "jpeg2000 plain": (color, {}),
        "heif plain": (color, {}),
    }
    found = {}
    for name, (image, options) in made.items():
        file = io.BytesIO()
        image.save(file, name.split()[0].upper(), **options)
        found[name] = file.getvalue()
    found["jpeg2000 stream"] = cv2.imencode(".jp2", pixels)[1].tobytes()
    found["jxl lossless"] = bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    found["jxl lossy"] = bytes(imagecodecs.jpegxl_encode(pixels, usecontainer=True))
    return found


def write_images(folder: Path, form: str) -> list[Path]:
    """Writes the images of a format, and returns them."""
    paths = []
    for name, content in image_files().items():
        if name.split()[0] == form:
            paths.append(folder / f"{name.replace(' ', '-')}.{form}")
            paths[-1].write_bytes(content)
    return paths


def _photos(folder: Path, count: int = 12) -> Path:
    from conftest import write_photos

    return write_photos(folder / "photos", ("blue", "green", "red"), count, (12, 12))


def write_packed(folder: Path) -> list[Path]:
    """Packs a data set."""
    from dlcv_plugins.commands.data.pack.command import build

    build.main([str(_photos(folder)), "--out", str(folder / "packed"), "--size", "8"],
               standalone_mode=False)  # fmt: skip
    shutil.rmtree(folder / "photos")
    return [folder / "packed"]


def write_foreign(folder: Path) -> list[Path]:
    """Writes HDF5 files as other tools do: plain, and in compressed chunks."""
    import h5py

    found = []
    for name, options in (("plain", {}), ("packed", {"compression": "gzip", "chunks": True})):
        found.append(folder / f"{name}.hdf5")
        with h5py.File(found[-1], "w") as file:
            file.create_dataset("images", data=np.stack([picture(8, 8)] * 9), **options)
            file["labels"] = np.arange(9) % 3
            file["label_names"] = ["a", "b", "c"]
    return found


def write_run(folder: Path) -> list[Path]:
    """Trains two networks of a few weights, with checkpoints within and after their epochs."""
    import dlcv
    from dlcv import files
    from dlcv_plugins.report.write import write_report

    common = {"data": "digits(size=8)", "architecture": "mlp(units=4)", "fraction": 0.2,
              "epochs": 2, "threads": 1, "checkpoint_every": 1, "runs": folder}  # fmt: skip
    for name, preprocessors in (("one", "mean, scale"), ("two", "patch(size=8), mean")):
        run = dlcv.run(name=name, preprocessors=preprocessors, **common)
        write_report(run)
        # As where images were kept together.
        files.save_arrays(run.directory.groups, {"groups": np.arange(1797)})
    (folder / "latest").unlink()
    return [folder / "one", folder / "two"]


def write_fitted(folder: Path) -> list[Path]:
    """Fits a random forest and a calibrated support vector machine beside a network."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import LinearSVC

    from dlcv_plugins.trainers.features import estimators

    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 6)).astype(np.float32), np.arange(60) % 3
    found = []
    for name, estimator in (
        ("forest", RandomForestClassifier(3, max_depth=3, random_state=0)),
        ("vectors", CalibratedClassifierCV(LinearSVC(), cv=2)),
    ):
        found.append(folder / f"{name}.skops")
        estimators.save(found[-1], estimator.fit(features, labels))
    return found


def write_features(folder: Path) -> list[Path]:
    """Extracts features of some images."""
    import dlcv

    photos = _photos(folder)
    run = dlcv.run(data=str(photos), architecture="lenet(width=0.1)", input_size=12, epochs=1,
                   threads=1, name="base", runs=folder / "runs")  # fmt: skip
    dlcv.extract(run.path, folder / "features", layer="dense1_relu", data=str(photos), threads=1)
    shutil.rmtree(folder / "runs")
    return [folder / "features"]


def write_exported(folder: Path, form: str) -> list[Path]:
    """Exports a run to a format."""
    import dlcv

    run, _ = write_run(folder)
    dlcv.export_run(run, form, folder / form)
    shutil.rmtree(run)
    return [folder / form]


def write_keras(folder: Path) -> list[Path]:
    """Saves a network in Keras's formats, and returns the files."""
    import keras

    network = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Conv2D(3, 3, name="conv1"),
         keras.layers.BatchNormalization(name="norm1"), keras.layers.Flatten(),
         keras.layers.Dense(4, name="dense1")]
    )  # fmt: skip
    paths = [folder / name for name in ("n.keras", "n.weights.h5", "n.h5")]
    for path in paths:
        network.save_weights(path) if "weights" in path.name else network.save(path)
    return paths


def write_state_dicts(folder: Path) -> list[Path]:
    """Writes weight files of PyTorch in both of its formats."""
    import pytest
    from torch_files import FakeTorch, contiguous

    arrays = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
              "conv.half": np.array([1.5, -2], np.float16), "norm.mean": np.array([0.1, 0.2]),
              "norm.count": np.array(7, np.int64)}  # fmt: skip
    content = OrderedDict((name, contiguous(array)) for name, array in arrays.items())
    with pytest.MonkeyPatch.context() as patch:
        fake = FakeTorch(patch)
        return [
            fake.write_zip(folder / "zip.pth", content),
            fake.write_stream(folder / "s.pth", content),
        ]


def write_safetensors(folder: Path) -> list[Path]:
    """Writes a safetensors file."""
    from safetensors.numpy import save_file

    save_file({"a": picture(4, 4), "b": np.ones((2, 3), np.float32)}, folder / "w.safetensors")
    return [folder / "w.safetensors"]


def write_tables(folder: Path) -> list[Path]:
    """Writes tables of images that are there, with the separators that are known."""
    names = [f"{i}.png" for i in range(6)]
    for name in names:
        (folder / name).touch()
    found = []
    for mark, separator in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        rows = [["path", "label", "split", "patient"]]
        for i, name in enumerate(names):
            rows.append([name, f"class {i % 2}", ("train", "val", "test")[i // 2], f'"p, {i}"'])
        found.append(folder / f"{mark}.csv")
        found[-1].write_text("\n".join(separator.join(row) for row in rows) + "\n")
    return found


def write_tiny_imagenet(folder: Path) -> list[Path]:
    """Writes the texts of a data set in Tiny ImageNet's layout."""
    root = folder / "tiny"
    for name in ("n01", "n02"):
        (root / "train" / name / "images").mkdir(parents=True)
        (root / "train" / name / "images" / f"{name}_0.JPEG").touch()
    (root / "val" / "images").mkdir(parents=True)
    (root / "val" / "images" / "val_0.JPEG").touch()
    (root / "wnids.txt").write_text("n02\nn01\n")
    (root / "words.txt").write_text("n01\tgoldfish, Carassius auratus\nn02\tcrane\n")
    (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn01\t0\t0\t62\t62\n")
    return [root]


def _contents() -> list[tuple[str, bytes]]:
    return [(f"{'ab'[n % 2]}/{n}", image_files()["png plain"]) for n in range(6)]


def write_zip(folder: Path) -> list[Path]:
    """Writes a zip archive of class folders."""
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for name, content in _contents():
            archive.writestr(f"{name}.png", content)
    return [folder / "photos.zip"]


def write_tar(folder: Path) -> list[Path]:
    """Writes a tar archive of samples, as WebDataset does."""
    with tarfile.open(folder / "set-train-000000.tar", "w") as archive:
        for number, (name, image) in enumerate(_contents()):
            for ending, content in (("png", image), ("cls", name[:1].encode())):
                member = tarfile.TarInfo(f"{number:06d}.{ending}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return [folder / "set-train-000000.tar"]


def write_parquet(folder: Path) -> list[Path]:
    """Writes a Parquet file, as the Hugging Face hub has them."""
    import pyarrow
    import pyarrow.parquet

    named = {"image": {"_type": "Image"}, "label": {"names": ["a", "b"], "_type": "ClassLabel"}}
    image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    schema = pyarrow.schema(
        [("image", image), ("label", pyarrow.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": named}})},
    )
    rows = [{"bytes": content, "path": name} for name, content in _contents()]
    table = pyarrow.table({"image": rows, "label": [0, 1] * 3}, schema=schema)
    pyarrow.parquet.write_table(table, folder / "train.parquet", row_group_size=4)
    return [folder / "train.parquet"]


def write_texts(folder: Path, texts: list[str]) -> list[Path]:
    """Writes texts, each to a file."""
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


SPECS = (
    "preprocessor: mean", "preprocessor: patch(size=(28, 24))", "preprocessor: crop(size=20)",
    "preprocessor: affine(rotation=10, fill_mode=constant, fill_value=(1, 2, 3))",
    "preprocessor: rand_augment(num_ops=2)",
    "preprocessor: scale(factor=(0.1, 0.2, 0.3), offset=-1)", "preprocessor: mixup(alpha=0.2)",
    "architecture: resnet(stages=(3, 3), filters=(16, 16, 32))", "architecture: lenet(width=0.5)",
    "architecture: fc_head(base=vgg16(weights=imagenet), units=256)",
    "architecture: cnn(filters=(8, 16))",
    'store: folder(path="a b/c", color_mode=grayscale, bit_depth=12)', "store: digits(size=8)",
    "store: csv(path='x.csv', image_column=i)", "schedule: cosine",
    "schedule: step(at=(0.5, 0.75), factor=0.5)",
    "schedule: one_cycle(peak=0.4)", "evaluator: rank", "evaluator: calibration",
    "classifier: logistic_regression(C=(0.1, 1.0))", "classifier: random_forest(trees=10)",
    "grouping: pattern(regex='(.*)_.*')", "grouping: column(name=patient)", "exporter: onnx",
)  # fmt: skip
"""Kinds, and texts that name plugins of them."""


def write_specs(folder: Path) -> list[Path]:
    """Writes texts that name plugins."""
    return write_texts(folder, list(SPECS))


def write_variables(folder: Path) -> list[Path]:
    """Writes the environment variables that are read, with values."""
    values = [
        "DLCV_MAX_IMAGE_PIXELS=1000000",
        "DLCV_DISABLE=acme-vision, store:other",
        "DLCV_CACHE=/tmp/x",
    ]
    return write_texts(folder, values)


def write_cache(folder: Path) -> list[Path]:
    """Writes what is kept of summaries of images."""
    from dlcv import files

    files.save_arrays(folder / "found.npz", {"found": np.arange(12).reshape(4, 3)})
    return [folder / "found.npz"]


def described(folder: Path) -> dict[str, Any]:
    """Returns what an exported model's folder says of itself."""
    return dict(json.loads((folder / "model.json").read_text()))
