"""Packing a data set: from any store to HDF5 files that are read without decoding."""

import logging
from collections.abc import Generator
from pathlib import Path

import attrs
import numpy as np
import tomli_w

from dlcv import files, registry
from dlcv.api import (
    Dataset,
    Pipeline,
    SplitConfig,
    backend,
    chunks,
    find_store,
    learn,
    open_dataset,
    process_batch,
    read_ahead,
    refuse_views,
    track,
    with_cure,
)
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import DESCRIPTION, DatasetStore, LabelledImages, Shape
from dlcv.registry import Spec
from dlcv_plugins import storage
from dlcv_plugins.commands.data.pack.distinct import Dropped, without_copies
from dlcv_plugins.commands.data.packed_description import describe

logger = logging.getLogger(__name__)
CHUNK = 32
"""Images that a thread works on at once."""
MEAN_IMAGE = "mean_image.npz"


@attrs.frozen
class PackedDataset:
    """What was packed.

    Attributes:
        path: The folder.
        splits: Number of images and size in megabytes, by split.
        dropped: The copies that were left out.
    """

    path: Path
    splits: dict[str, tuple[int, float]]
    dropped: tuple[Dropped, ...] = ()


def pack(
    source: str,
    out: Path,
    *,
    preprocessors: str,
    split: SplitConfig,
    bad_images: str = "error",
    mean_image: bool = False,
    drop_duplicates: bool = False,
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
        mean_image: Whether to write the mean of the training images, pixel by pixel, too.
        drop_duplicates: Whether only one image of each group of copies is packed.
        threads: Threads for reading; all processors by default.
        force: Whether a folder that exists may be replaced.

    Raises:
        DlcvError: the folder exists, or the source can't be packed.
    """
    _refuse_existing(out, force)
    threads = threads or backend.available_threads()
    pipeline = _pixel_steps(preprocessors)
    # Packing decodes every image anyway, and stops at a bad one; reading all of them before is
    # needed only where it decides which images there are, or what size they have.
    look = bad_images == "skip" or not pipeline.until_sized
    dataset = open_dataset(
        find_store(source), split, bad_images=bad_images, threads=threads, look=look
    )
    dropped: tuple[Dropped, ...] = ()
    if drop_duplicates:
        dataset, dropped = without_copies(dataset, threads)
    train = dataset.splits["train"]
    height, width, channels = _packed_shape(pipeline, train.image_shape)
    pipeline = learn(pipeline, train, (height, width), threads)
    counts = {name: len(images) for name, images in dataset.splits.items()}
    with storage.atomic_folder(out, force=force) as folder:
        storage.require_space(folder, sum(counts.values()) * height * width * channels)
        mean = _write(folder, dataset, pipeline, threads)
        if mean_image:
            files.save_arrays(folder / MEAN_IMAGE, {"mean": mean})
        records = {path.name: storage.record(path) for path in sorted(folder.iterdir())}
        description = describe(source, dataset, pipeline, bad_images, mean.mean(axis=(0, 1)))
        left_out = {"dropped": [attrs.asdict(each) for each in dropped]} if dropped else {}
        text = tomli_w.dumps({**description, **left_out, "files": records})
        files.write_atomically(folder / DESCRIPTION, text)
    sizes = {name: int(records[f"{name}.hdf5"]["bytes"]) / 1e6 for name in dataset.splits}
    splits = {name: (counts[name], round(sizes[name], 2)) for name in counts}
    return PackedDataset(out, splits, dropped)


def _refuse_existing(out: Path, force: bool) -> None:
    """Refuses to replace anything but a packed data set: `out` may hold a person's photos."""
    files.refuse_existing(out, force=force)
    if out.exists() and not (out / DESCRIPTION).is_file() and not _is_empty(out):
        raise DlcvError(
            f"{out} is not a packed data set, so --force doesn't replace it; use another name"
        )


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _pixel_steps(preprocessors: str) -> Pipeline:
    """Returns the steps that a text names; refuses those that can't be packed."""
    steps = registry.create_list("preprocessor", preprocessors)
    refuse_views(steps)
    pipeline = Pipeline.of(steps)
    if pipeline.value_steps:
        names = ", ".join(registry.spec_of(step).name for step in pipeline.value_steps)
        raise DlcvError(f"{names} runs in the network and can't be packed; remove it")
    for step in steps:
        if step.with_output_size((1, 1)) != step:
            name = registry.spec_of(step).name
            raise DlcvError(f"{name} has no size; give it one, as in {name}(size=64)")
    return pipeline


def _packed_shape(pipeline: Pipeline, shape: Shape) -> tuple[int, int, int]:
    """Returns the shape that images are packed in."""
    height, width, channels = pipeline.output_shape(shape)
    if height is None or width is None:
        raise DlcvError(
            "the images differ in size; choose one with --size, or with a step that resizes"
        )
    return height, width, channels


def _write(folder: Path, dataset: Dataset, pipeline: Pipeline, threads: int) -> np.ndarray:
    """Writes all splits and returns the mean image of the training split, `(H, W, C)` float64."""
    store: DatasetStore = registry.create("store", Spec("hdf5", {"path": str(folder)}))
    try:
        sums = {
            name: _write_split(store, name, images, pipeline, threads)
            for name, images in dataset.splits.items()
        }
    except ImageError as error:
        raise with_cure(error) from None
    return sums["train"] / len(dataset.splits["train"])


def _write_split(
    store: DatasetStore, name: str, images: LabelledImages, pipeline: Pipeline, threads: int
) -> np.ndarray:
    """Writes a split and returns the sum of its images, `(H, W, C)` uint64."""
    shape = _packed_shape(pipeline, images.image_shape)
    total = np.zeros(shape, np.uint64)
    writing = store.writer(
        name, rows=len(images), image_shape=shape, label_names=images.label_names
    )
    with writing as writer, track(f"packing {name}", len(images), "images") as progress:
        for pixels, labels, sums in _rows(images, pipeline, threads):
            writer.add(pixels, labels)
            total += sums
            progress(len(pixels))
    return total


def _rows(
    images: LabelledImages, pipeline: Pipeline, threads: int
) -> Generator[tuple[np.ndarray, np.ndarray, np.ndarray], None, None]:
    """Yields pixels, labels, and the sum of the pixels, which is exact whatever is added first."""

    def process(indices: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.array(indices)
        pixels = process_batch(images, at, pipeline, None)
        return pixels, images.labels[at], pixels.sum(axis=0, dtype=np.uint32)

    return read_ahead(process, chunks(len(images), CHUNK), threads)
