"""Packing a data set: from any store to HDF5 files that are read without decoding."""

import logging
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import tomli_w

from dlcv import backend, files, registry
from dlcv.config import SplitConfig
from dlcv.data.pipeline import Pipeline, learn, process_batch
from dlcv.data.readahead import chunks, read_ahead
from dlcv.data.sources import Dataset, find_store, open_dataset
from dlcv.errors import DlcvError
from dlcv.interfaces import DatasetStore, LabelledImages, options_of
from dlcv.progress import track
from dlcv.spec import Spec

logger = logging.getLogger(__name__)
CHUNK = 64
DESCRIPTION = "dataset.toml"


@attrs.frozen
class PackedDataset:
    """What was packed.

    Attributes:
        path: The folder.
        splits: Number of images and size in megabytes, by split.
    """

    path: Path
    splits: dict[str, tuple[int, float]]


def pack(
    source: str,
    out: Path,
    *,
    preprocessors: str,
    split: SplitConfig,
    bad_images: str = "error",
    threads: int | None = None,
    force: bool = False,
) -> PackedDataset:
    """Packs a data set through pixel steps, in their deterministic form.

    Args:
        source: A store, or the path of a data set.
        out: The folder to write; it appears when everything is in it.
        preprocessors: Preprocessors, separated by commas.
        split: How to divide what is not divided.
        bad_images: `error` or `skip`.
        threads: Threads for reading; all processors by default.
        force: Whether a folder that exists may be replaced.

    Raises:
        DlcvError: the folder exists, or something in the source is wrong.
    """
    _refuse_existing(out, force)
    steps = registry.create_list("preprocessor", preprocessors)
    if values := Pipeline.of(steps).value_steps:
        names = ", ".join(registry.spec_of(step).name for step in values)
        raise DlcvError(f"{names} belongs into the network, not into packed pixels; leave it out")
    if open_steps := [s for s in steps if s.with_output_size((1, 1)) != s]:
        name = registry.spec_of(open_steps[0]).name
        raise DlcvError(f"the size of {name} is left open; write it, as in {name}(size=64)")
    threads = threads or backend.available_threads()
    dataset = open_dataset(find_store(source), split, bad_images=bad_images, threads=threads)
    train = dataset.splits["train"]
    pipeline = Pipeline.of(steps)
    height, width, _ = pipeline.output_shape(train.image_shape)
    if height is None or width is None:
        raise DlcvError("the images differ in size; add a step such as aspect_aware(size=64)")
    pipeline = learn(pipeline, train, (height, width), threads)
    with files.atomic_folder(out, force=force) as folder:
        store: DatasetStore = registry.create("store", Spec("hdf5", {"path": str(folder)}))
        means = {
            name: _write_split(store, name, images, pipeline, threads)
            for name, images in dataset.splits.items()
        }
        content = _description(source, dataset, pipeline, split, means["train"])
        content["files"] = dict(store.file_records())
        files.write_atomically(folder / DESCRIPTION, tomli_w.dumps(content))
        sizes = {n: (folder / f"{n}.hdf5").stat().st_size / 1e6 for n in dataset.splits}
    counts = {name: len(images) for name, images in dataset.splits.items()}
    return PackedDataset(out, {n: (counts[n], round(sizes[n], 2)) for n in counts})


def _refuse_existing(out: Path, force: bool) -> None:
    """Refuses to replace anything but a packed data set: `out` may hold a person's photos."""
    files.refuse_existing(out, force=force)
    if out.exists() and not (out / DESCRIPTION).is_file() and not _is_empty(out):
        raise DlcvError(
            f"{out} is no packed data set, so --force does not replace it; move it away"
        )


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _write_split(
    store: DatasetStore, name: str, images: LabelledImages, pipeline: Pipeline, threads: int
) -> np.ndarray:
    """Writes a split and returns the mean of each channel."""

    def process(indices: range) -> tuple[np.ndarray, np.ndarray]:
        at = np.array(indices)
        return process_batch(images, at, pipeline, None), images.labels[at]

    height, width, channels = pipeline.output_shape(images.image_shape)
    assert height is not None
    assert width is not None
    total = np.zeros(channels)
    writing = store.writer(
        name,
        rows=len(images),
        image_shape=(height, width, channels),
        label_names=images.label_names,
    )
    with writing as writer, track(f"packing {name}", len(images), "images") as progress:
        for pixels, labels in read_ahead(process, chunks(len(images), CHUNK), threads):
            writer.add(pixels, labels)
            total += pixels.sum(axis=(0, 1, 2), dtype=np.float64)
            progress(len(pixels))
    return total / (len(images) * height * width)


def _description(
    source: str, dataset: Dataset, pipeline: Pipeline, split: SplitConfig, means: np.ndarray
) -> dict[str, Any]:
    """Returns what `dataset.toml` says."""
    train = dataset.splits["train"]
    height, width, channels = pipeline.output_shape(train.image_shape)
    names = "RGB" if channels == 3 else [str(i) for i in range(channels)]
    counts = {
        name: dict(zip(images.label_names, _counts(images), strict=True))
        for name, images in dataset.splits.items()
    }
    return {
        "source": str(registry.spec_of(dataset.store)),
        "named_as": source,
        "preprocessors": ", ".join(str(registry.spec_of(step)) for step in pipeline.pixel_steps),
        "image_shape": [height, width, channels],
        "label_names": list(train.label_names),
        "split": {name: getattr(split, name) for name in options_of(SplitConfig)},
        "images": {name: len(images) for name, images in dataset.splits.items()},
        "images_by_class": counts,
        "skipped": list(dataset.skipped),
        "training_mean": {n: float(m) for n, m in zip(names, means, strict=True)},
    }


def _counts(images: LabelledImages) -> list[int]:
    return [int(n) for n in np.bincount(images.labels, minlength=len(images.label_names))]
