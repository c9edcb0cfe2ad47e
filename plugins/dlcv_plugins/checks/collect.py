"""One pass over a data set: the facts that all checks work on."""

import functools
import os
from pathlib import Path

import attrs

from dlcv import images
from dlcv.data.readahead import chunks, read_ahead
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import DatasetStore, LabelledImages
from dlcv.progress import track
from dlcv_plugins.checks.findings import Sample
from dlcv_plugins.checks.header import Header, read_header
from dlcv_plugins.checks.look import Look, look_at

CHUNK = 16


@attrs.frozen
class ImageFacts:
    """What is known about one image.

    Attributes:
        sample: Which it is.
        path: Its file, where it has one.
        header: What the file says about itself, where it has one that can be read.
        look: What it looks like, None if it can't be decoded.
        problem: Why it can't be decoded.
    """

    sample: Sample
    path: str = ""
    header: Header | None = None
    look: Look | None = None
    problem: str = ""


@attrs.frozen(eq=False)
class Collected:
    """What is known about a data set.

    Attributes:
        folder: The folder that all of its files lie in, where it is one.
        splits: The splits that can be opened.
        refused: Why the others can't.
        images: The facts about every image, split by split.
    """

    folder: Path | None
    splits: dict[str, LabelledImages]
    refused: dict[str, str]
    images: list[ImageFacts]

    @property
    def is_of_files(self) -> bool:
        """Whether all images lie in files of their own."""
        return all(isinstance(split, images.ImageFiles) for split in self.splits.values())


def collect(store: DatasetStore, threads: int) -> Collected:
    """Opens all splits and looks at every image once.

    Args:
        store: The data set.
        threads: Threads for reading.

    Raises:
        DlcvError: no split can be opened.
    """
    path = next((v for v in store.options().values() if isinstance(v, Path)), None)
    folder = path if path is not None and path.is_dir() else None
    root = folder or (path.parent if path else None)
    splits: dict[str, LabelledImages] = {}
    refused: dict[str, str] = {}
    for name in store.splits():
        try:
            splits[name] = store.open(name)
        except DlcvError as error:
            refused[name] = str(error)
    if not splits:
        raise DlcvError("; ".join(refused.values()))
    facts: list[ImageFacts] = []
    with track("checking", sum(map(len, splits.values())), unit="images") as progress:
        for name, split in splits.items():
            look = functools.partial(_look_at_some, split, name, root)
            for found in read_ahead(look, chunks(len(split), CHUNK), threads):
                facts += found
                progress(len(found))
    return Collected(folder, splits, refused, facts)


def _look_at_some(
    split: LabelledImages, name: str, root: Path | None, indices: range
) -> list[ImageFacts]:
    facts = []
    for index in indices:
        label = split.label_names[split.labels[index]]
        path = split.sample_id(index)
        sample = Sample(_below(root, path), name, label, index)
        if isinstance(split, images.ImageFiles):
            facts.append(_facts_of_file(sample, path))
        else:
            facts.append(_facts_of_row(sample, split))
    return facts


def _below(root: Path | None, path: str) -> str:
    """Returns a path as seen from the data set's folder, so that it is short."""
    return path.removeprefix(f"{root}{os.sep}")


def _facts_of_row(sample: Sample, split: LabelledImages) -> ImageFacts:
    assert sample.index is not None
    try:
        image = split.read([sample.index])[0]
    except DlcvError as error:
        return ImageFacts(sample, problem=str(error))
    return ImageFacts(sample, look=look_at(image))


def _facts_of_file(sample: Sample, path: str) -> ImageFacts:
    try:
        content = images.read_content(path)
    except ImageError as error:
        return ImageFacts(sample, path, problem=error.reason)
    header = read_header(content)
    try:
        look = look_at(images.decode(content))
    except ImageError as error:
        return ImageFacts(sample, path, header, problem=error.reason)
    return ImageFacts(sample, path, header, look)
