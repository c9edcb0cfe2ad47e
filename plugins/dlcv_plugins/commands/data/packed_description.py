"""`dataset.toml`, the description of a packed data set: written by build, read by verify."""

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np

from dlcv import registry
from dlcv.api import Dataset, Pipeline, SplitConfig, read_toml
from dlcv.errors import DlcvError, printable
from dlcv.interfaces import DESCRIPTION, options_of


def describe(
    source: str, dataset: Dataset, pipeline: Pipeline, bad_images: str, *, is_encoded: bool
) -> dict[str, Any]:
    """Returns all that is known before the images are read.

    Args:
        source: What a person named as the source.
        dataset: What was packed.
        pipeline: The pixel steps that the images went through.
        bad_images: What was done about images that can't be read, `error` or `skip`.
        is_encoded: Whether image files are kept, which have no shape in common.
    """
    train = dataset.splits["train"]
    shape = {"image_shape": list(pipeline.output_shape(train.image_shape))}
    split = {name: getattr(dataset.split, name) for name in options_of(SplitConfig)}
    return {
        "source": str(registry.spec_of(dataset.store)),
        "named_as": printable(source),
        "packed_by": f"dlcv {importlib.metadata.version('dlcv')}",
        "preprocessors": ", ".join(str(registry.spec_of(step)) for step in pipeline.pixel_steps),
        **({"encoding": "files"} if is_encoded else shape),
        "bit_depth": train.bit_depth,
        "label_names": list(train.label_names),
        "split": {
            name: str(value) if name == "groups" else value
            for name, value in split.items()
            if value is not None
        },
        "images": {name: len(images) for name, images in dataset.splits.items()},
        "images_by_class": {name: images.class_counts() for name, images in dataset.splits.items()},
        "bad_images": bad_images,
        "skipped": list(map(printable, dataset.skipped)),
    }


def with_means(means: np.ndarray) -> dict[str, Any]:
    """Returns the mean of the training images after the pixel steps, by channel, `(C,)`."""
    names = "RGB" if len(means) == 3 else [str(i) for i in range(len(means))]
    return {"training_mean": {n: float(m) for n, m in zip(names, means, strict=True)}}


def recorded_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the record of each file of a packed data set, as `storage.record` made it, by name.

    Raises:
        DlcvError: the folder holds no packed data set, or its description is damaged.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise DlcvError(f"{folder} {problem}; name the folder that `dlcv data build` wrote")
    path = folder / DESCRIPTION
    if not path.is_file():
        raise DlcvError(
            f"{folder} is not a packed data set: it has no {DESCRIPTION}, "
            "where `dlcv data build` records checksums"
        )
    records = read_toml(path).get("files")
    if not isinstance(records, dict) or not records or not all(map(_is_record, records.items())):
        raise DlcvError(f"{path} records no checksums; pack the data set again")
    return records


def _is_record(item: tuple[str, Any]) -> bool:
    name, record = item
    is_name = name == Path(name).name and name not in ("", "..")
    return is_name and isinstance(record, dict) and isinstance(record.get("sha256"), str)
