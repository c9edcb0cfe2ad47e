"""One pass over a data set: collects the facts that all checks work on."""

import functools
import itertools
import os
from pathlib import Path

from dlcv import images
from dlcv.api import chunks, track
from dlcv.errors import DlcvError, ImageError
from dlcv.interfaces import DatasetStore, LabelledImages
from dlcv_plugins.commands.data.check.header import read_header
from dlcv_plugins.executors.current import executor
from dlcv_plugins.kinds.check import DatasetFacts, ImageFacts, Sample
from dlcv_plugins.kinds.executor import Needs, Report
from dlcv_plugins.similarity.summaries import summarize
from dlcv_plugins.stores.encoded import EncodedImages

CHUNK = 16
"""The fewest images that are worth a part."""


def collect(store: DatasetStore, threads: int) -> DatasetFacts:
    """Opens all splits and reads every image once.

    Args:
        store: The data set.
        threads: Threads for reading.

    Raises:
        DlcvError: no split can be opened.
    """
    path = next((v for v in store.options().values() if isinstance(v, Path)), None)
    folder = path if path is not None and path.is_dir() else None
    root = folder or (path.parent if path else None)
    splits, unusable = _open(store)
    facts: list[ImageFacts] = []
    total, there = sum(map(len, splits.values())), executor()
    with track("checking", total, unit="images") as progress:
        for name, split in splits.items():
            read = functools.partial(_facts_of_several, split, name, root)
            parts = list(chunks(len(split), there.part_size(total, CHUNK)))
            results = there.map(read, parts, at_once=threads, needs=Needs(), report=progress)
            facts += itertools.chain.from_iterable(results)
    others: tuple[str, ...] = ()
    if folder and not unusable and all(map(_are_files, splits.values())):
        others = _other_files(folder, {os.path.normpath(image.path) for image in facts})
    return DatasetFacts(splits, unusable, tuple(facts), folder, others)


def _open(store: DatasetStore) -> tuple[dict[str, LabelledImages], dict[str, str]]:
    """Returns the splits that can be opened, and why the others can't."""
    splits: dict[str, LabelledImages] = {}
    unusable: dict[str, str] = {}
    for name in store.splits():
        try:
            splits[name] = store.open(name)
        except DlcvError as error:
            unusable[name] = str(error)
    if not splits:
        raise DlcvError("; ".join(unusable.values()))
    return splits, unusable


def _are_files(split: LabelledImages) -> bool:
    return isinstance(split, images.ImageFiles) and not isinstance(split, EncodedImages)


def _facts_of_several(
    split: LabelledImages, name: str, root: Path | None, indices: range, report: Report
) -> list[ImageFacts]:
    facts: list[ImageFacts] = []
    for index in indices:
        label = split.label_names[split.labels[index]]
        path = split.sample_id(index)
        # A path as seen from the data set's folder is short.
        sample = Sample(path.removeprefix(f"{root}{os.sep}"), name, label, index)
        if isinstance(split, images.ImageFiles):
            facts.append(_facts_of_file(sample, path, split, index))
        else:
            facts.append(_facts_of_row(sample, split, index))
        if not len(facts) % CHUNK:
            report(CHUNK)
    report(len(facts) % CHUNK)
    return facts


def _facts_of_row(sample: Sample, split: LabelledImages, index: int) -> ImageFacts:
    try:
        image = split.read([index])[0]
    except DlcvError as error:
        return ImageFacts(sample, problem=str(error))
    return ImageFacts(sample, pixels=summarize([image])[0])


def _facts_of_file(sample: Sample, path: str, split: images.ImageFiles, index: int) -> ImageFacts:
    named = path if images.is_image_file(path) else ""
    try:
        if isinstance(split, EncodedImages):
            content = split.content(index)
        else:
            content = images.read_content(path)
    except ImageError as error:
        return ImageFacts(sample, named, problem=error.reason)
    header = read_header(content)
    try:
        (pixels,) = summarize([images.decode(content, bit_depth=split.bit_depth)])
    except ImageError as error:
        return ImageFacts(sample, named, header, problem=error.reason)
    return ImageFacts(sample, named, header, pixels)


def _other_files(folder: Path, known: set[str]) -> tuple[str, ...]:
    """Returns the files below a folder that are not known, as seen from it."""
    paths = sorted(images.walk_files(folder))
    return tuple(os.path.relpath(p, folder) for p in paths if os.path.normpath(p) not in known)
