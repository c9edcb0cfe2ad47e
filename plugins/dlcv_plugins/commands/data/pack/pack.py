"""Packing a data set: from any store to HDF5 files that are read without decoding."""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import tomli_w

from dlcv import files, registry
from dlcv.api import (
    Dataset,
    Pipeline,
    SplitConfig,
    backend,
    find_store,
    learn,
    open_dataset,
    refuse_views,
    track,
    with_cure,
)
from dlcv.errors import DlcvError, ImageError, printable
from dlcv.interfaces import DESCRIPTION, Shape
from dlcv_plugins import storage
from dlcv_plugins.commands.data.pack.distinct import Dropped, without_copies
from dlcv_plugins.commands.data.pack.forms import AllWritten, Files, Form, Pixels
from dlcv_plugins.commands.data.pack.parts import parts_of, work_folder, write_parts
from dlcv_plugins.commands.data.packed_description import (
    describe,
    recorded_files,
    with_means,
)
from dlcv_plugins.executors.current import executor
from dlcv_plugins.image_states import is_of_files, state_of
from dlcv_plugins.stores.hdf5_records import START, start_sha256

logger = logging.getLogger(__name__)
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
    encode: str = "raw",
    shards: int | None = None,
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
        encode: `raw` for rows of pixels, `jpeg` for the image files as they are.
        shards: The number of files that the training images are divided into; None for one. What is
            stopped then goes on with the next call.
        threads: Threads for reading; all processors by default.
        force: Whether a folder that exists may be replaced.

    Raises:
        DlcvError: the folder exists, or the source can't be packed.
    """
    _refuse_existing(out, force)
    if executor().is_elsewhere and not shards:
        raise DlcvError("what is packed elsewhere is packed in shards; name how many: --shards 16")
    threads = threads or backend.available_threads()
    pipeline, is_encoded = _pixel_steps(preprocessors), encode != "raw"
    if is_encoded and (preprocessors or mean_image):
        raise DlcvError(
            "--encode jpeg keeps the image files as they are; leave --size, --preproc and "
            "--mean-image out, and resize in the run"
        )
    # Packing decodes every image anyway, and stops at a bad one; reading all of them before is
    # needed only where it decides which images there are, or what size they have.
    look = bad_images == "skip" or (not is_encoded and not pipeline.until_sized)
    dataset = open_dataset(
        find_store(source), split, bad_images=bad_images, threads=threads, look=look
    )
    if is_encoded and not all(map(is_of_files, dataset.splits.values())):
        raise DlcvError(f"{source} holds pixels, not image files; leave --encode jpeg out")
    dropped: tuple[Dropped, ...] = ()
    if drop_duplicates:
        dataset, dropped = without_copies(dataset, threads)
    train = dataset.splits["train"]
    form: Form = Files()
    if not is_encoded:
        shape = _packed_shape(pipeline, train.image_shape)
        pipeline = learn(pipeline, train, shape[:2], threads)
        form = Pixels(pipeline, shape)
    described = describe(source, dataset, pipeline, bad_images, is_encoded=is_encoded)
    sizes = {name: len(images) for name, images in dataset.splits.items()}
    with _folder(out, described, dataset, shards, force=force) as folder:
        try:
            if shards:
                parts = parts_of(sizes, shards)
                written = write_parts(folder, dataset.splits, form, parts, threads)
            else:
                storage.require_space(folder, form.size(sum(sizes.values())))
                written = _write(folder, dataset, form, threads)
        except ImageError as error:
            raise with_cure(error) from None
        records = _write_description(folder, written, described, dropped, mean_image=mean_image)
    return PackedDataset(
        out,
        {name: (count, _megabytes(name, records)) for name, count in sizes.items()},
        dropped,
    )


def _folder(
    out: Path, described: Mapping[str, Any], dataset: Dataset, shards: int | None, *, force: bool
) -> AbstractContextManager[Path]:
    """Returns the folder to write in: of many parts, those that are whole stay."""
    if not shards:
        return storage.atomic_folder(out, force=force)
    states = {name: state_of(images) for name, images in dataset.splits.items()}
    about = {**described, "shards": shards, "states": states}
    return work_folder(out, about, force=force)


def _write(folder: Path, dataset: Dataset, form: Form, threads: int) -> AllWritten:
    """Writes a file for each split."""
    written = AllWritten()
    for name, images in dataset.splits.items():
        path = folder / f"{name}.hdf5"
        with track(f"packing {name}", len(images), "images") as progress:
            made = form.write(path, images, range(len(images)), threads, progress)
        written.add(path.name, name, made)
    return written


def _write_description(
    folder: Path,
    written: AllWritten,
    described: Mapping[str, Any],
    dropped: tuple[Dropped, ...],
    *,
    mean_image: bool,
) -> dict[str, dict[str, str | int]]:
    """Writes what the folder holds, and the mean image if asked to; returns a record a file."""
    mean = np.asarray(written.total / written.pixels)
    checksums = sorted(written.checksums.items())
    records = {name: _record(folder / name, sha256) for name, sha256 in checksums}
    if mean_image:
        files.save_arrays(folder / MEAN_IMAGE, {"mean": mean})
        records[MEAN_IMAGE] = storage.record(folder / MEAN_IMAGE)
    means = mean if mean.ndim == 1 else mean.mean(axis=(0, 1))
    names = [{k: printable(v) for k, v in attrs.asdict(each).items()} for each in dropped]
    left_out = {"dropped": names} if names else {}
    content = {**described, **with_means(means), **left_out, "files": records}
    files.write_atomically(folder / DESCRIPTION, tomli_w.dumps(content))
    return records


def _record(path: Path, sha256: str | None) -> dict[str, str | int]:
    with open(path, "rb") as file:
        start = start_sha256(file.read(START))
    return {**storage.record(path, sha256), "start_sha256": start}


def _megabytes(split: str, records: Mapping[str, Mapping[str, str | int]]) -> float:
    sizes = [int(record["bytes"]) for name, record in records.items() if _is_of(name, split)]
    return round(sum(sizes) / 1e6, 2)


def _is_of(name: str, split: str) -> bool:
    """Returns whether a file holds images of a split, all or some."""
    return name.startswith((f"{split}.", f"{split}-"))


def _refuse_existing(out: Path, force: bool) -> None:
    """Refuses to replace anything but a packed data set: `out` may hold a person's photos."""
    files.refuse_existing(out, force=force)
    if out.exists() and not (out / DESCRIPTION).is_file() and not _is_empty(out):
        raise DlcvError(
            f"{out} is not a packed data set, so --force doesn't replace it; use another name"
        )
    if out.is_dir() and (strange := _strangers(out)):
        raise DlcvError(
            f"{out} holds {printable(strange[0])}, which is no part of the packed data set and "
            "would be lost; move it away, or use another name"
        )


def _strangers(out: Path) -> list[str]:
    """Returns what is in a folder besides the files of the data set that is packed there."""
    recorded: dict[str, Any] = {}
    with suppress(DlcvError):  # Of a damaged one, all is refused.
        recorded = recorded_files(out)
    return sorted({path.name for path in out.iterdir()} - {DESCRIPTION, *recorded})


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
