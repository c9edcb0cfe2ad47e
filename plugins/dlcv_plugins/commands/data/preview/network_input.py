"""What a network gets as input: images after the pixel steps, loaded as a run loads them."""

import logging
import os
from pathlib import Path

import attrs
import numpy as np

from dlcv import images, registry
from dlcv.api import (
    Loader,
    Pipeline,
    Plugins,
    RunConfig,
    backend,
    fit_pipeline,
    fit_to_input,
    learn,
    make_steps,
    open_dataset,
    survey,
)
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages, Preprocessor, Size
from dlcv_plugins.pictures import shortened

logger = logging.getLogger(__name__)
LONGEST_TITLE = 26


@attrs.frozen(eq=False)
class Preview:
    """Images as a network gets them.

    Attributes:
        originals: Each image as it is stored, `(H, W, C)` uint8.
        rows: A row an image: without randomness, and then each draw of the random steps; or its
            views. `(H, W, C)` uint8.
        titles: A text for each.
        pixel_steps: The steps behind them, with sizes filled in.
        views: How many views of each image the steps give.
        draws: How many draws of each image there are; 0 where they are all alike.
        is_dataset: Whether the images belong to a data set, which a run could train on.
    """

    originals: list[np.ndarray]
    rows: list[list[np.ndarray]]
    titles: list[list[str]]
    pixel_steps: tuple[Preprocessor, ...]
    views: int
    draws: int
    is_dataset: bool


def preview_images(
    config: RunConfig,
    *,
    split: str | None = None,
    count: int | None = None,
    draws: int | None = None,
) -> Preview:
    """Returns the first images that a run with this configuration would train on.

    Args:
        config: The run's data, preprocessors, input size, division and seed. The data may also be
            an image, or a folder of images.
        split: The split whose images are taken as examples; by default `train`.
        count: How many images; 4 by default.
        draws: How many draws of the random steps; 5 by default, 10 for a single image.

    Raises:
        DlcvError: the data or the preprocessors can't be used.
    """
    threads = config.threads or backend.available_threads()
    source = _source(config, split, threads)
    values = [registry.spec_of(step).name for step in source.pipeline.value_steps]
    if values:
        logger.info("not shown, since they change values, not pixels: %s", ", ".join(values))
    pixels = Pipeline(source.pipeline.pixel_steps, ()).with_sizes(source.size)
    ready = learn(pixels, source.train, source.size, threads)
    shown = min(count or 4, len(source.shown))
    loader = Loader(source.shown, ready, batch_size=shown, threads=1, seed=config.seed)
    order = loader.order(0)[:shown]
    names = [_name(source.shown, int(index)) for index in order]
    draws = draws or (10 if shown == 1 else 5)
    rows, others = _views(loader, order) if ready.views > 1 else _draws(loader, order, draws)
    return Preview(
        originals=list(source.shown.read(order)),
        rows=rows,
        titles=[[name, *titles] for name, titles in zip(names, others, strict=True)],
        pixel_steps=ready.pixel_steps,
        views=ready.views,
        draws=len(rows[0]) - ready.views,
        is_dataset=source.is_dataset,
    )


@attrs.frozen(eq=False)
class _Source:
    """Images to show, images to learn from, and how they come to the network's input."""

    shown: LabelledImages
    train: LabelledImages
    pipeline: Pipeline
    size: Size
    is_dataset: bool


def _source(config: RunConfig, split: str | None, threads: int) -> _Source:
    path = Path(os.path.expanduser(config.data))
    if path.is_file() and images.is_image_file(path):
        return _of_files(config, [str(path)], split, threads)
    try:
        plugins = Plugins.of(config)
    except DlcvError:
        paths = sorted(map(str, filter(images.is_image_file, path.glob("*"))))
        if not paths:
            raise
        return _of_files(config, paths, split, threads)
    data = open_dataset(
        plugins.store,
        config.split.with_groups(),
        bad_images=config.bad_images,
        threads=threads,
        announce=False,
    )
    if split is not None and split not in data.splits:
        raise DlcvError(f'{config.data} has no split "{split}"; it has {", ".join(data.splits)}')
    pipeline, size = fit_pipeline(config, plugins, data)
    train = data.splits["train"]
    return _Source(data.splits[split or "train"], train, pipeline, size, is_dataset=True)


def _of_files(config: RunConfig, paths: list[str], split: str | None, threads: int) -> _Source:
    """Opens files without classes; they keep their size where all agree and none is requested."""
    if split is not None:
        raise DlcvError(f"{config.data} is not a data set and has no split {split}; remove --split")
    files = images.ImageFiles(paths, np.zeros(len(paths), np.int64), [""])
    found = survey(files, skip=config.bad_images == "skip", threads=threads).images
    height, width, _ = found.image_shape
    architecture = registry.create("architecture", config.architecture)
    default_size = architecture.default_size
    pipeline, size = fit_to_input(
        make_steps(config.preprocessors, architecture),
        found.image_shape,
        input_size=None if config.input_size is None else images.pair(config.input_size),
        default_size=(height, width) if height and width else default_size,
    )
    return _Source(found, found, pipeline, size, is_dataset=False)


def _draws(
    loader: Loader, order: np.ndarray, draws: int
) -> tuple[list[list[np.ndarray]], list[list[str]]]:
    """Returns rows of an image without randomness and its draws, and the draws' titles."""
    plain = Loader(loader.images, loader.pipeline, batch_size=len(order), threads=1)
    pixels, labels = plain.batch(0, 0, order)
    drawn = [loader.batch(epoch, 0, order) for epoch in range(draws)]
    if all(np.array_equal(p, pixels) and np.array_equal(s, labels) for p, s in drawn):
        return [[image] for image in pixels], [[] for _ in pixels]
    rows = [[pixels[i], *(p[i] for p, _ in drawn)] for i in range(len(order))]
    titles = [[f"draw {n + 1}" for n in range(draws)] for _ in rows]
    if any(not np.array_equal(mixed, labels) for _, mixed in drawn):
        label_names = loader.images.label_names
        titles = [[_mixture(m[i], label_names) for _, m in drawn] for i in range(len(order))]
    return rows, titles


def _views(loader: Loader, order: np.ndarray) -> tuple[list[list[np.ndarray]], list[list[str]]]:
    """Returns rows of an image's views, and the titles of all but the first."""
    views = loader.pipeline.views
    plain = Loader(loader.images, loader.pipeline, batch_size=len(order), threads=1)
    pixels, _ = plain.batch(0, 0, order)
    rows = pixels.reshape(len(order), views, *pixels.shape[1:])
    return [list(row) for row in rows], [[f"view {n + 2}" for n in range(views - 1)]] * len(rows)


def _mixture(shares: np.ndarray, label_names: tuple[str, ...]) -> str:
    """Returns the two largest classes of a mixed image with their shares, or its only class."""
    first, second = np.argsort(-shares, kind="stable")[:2]
    if round(100 * shares[second]) == 0:
        return shortened(label_names[first], LONGEST_TITLE)
    return ", ".join(
        f"{shortened(label_names[i], 9)} {100 * shares[i]:.0f} %" for i in (first, second)
    )


def _name(shown: LabelledImages, index: int) -> str:
    """Returns an image's class and the end of its name, in short."""
    label = shown.label_names[shown.labels[index]]
    name = Path(shown.sample_id(index)).name
    first = f"{shortened(label, 12)}: " if label else ""
    return first + shortened(name, LONGEST_TITLE - len(first))
