"""From what a user named to the images of each split."""

import itertools
import logging
import os
import re
from pathlib import Path

import attrs
import numpy as np

from dlcv import registry
from dlcv.config import SplitConfig
from dlcv.data.grouped import has_groups
from dlcv.data.small_classes import WAYS, without_classes
from dlcv.data.split import divide, is_divided, settle
from dlcv.data.subset import Subset, Survey, share_of, survey
from dlcv.errors import DlcvError, PluginError, UnknownPluginError, printable, some, suggestion
from dlcv.images import is_image_file, unread_by_extension, walk_files
from dlcv.interfaces import SPLITS, UNSPLIT, DatasetStore, LabelledImages, evolve
from dlcv.registry.lookup import Descriptor

logger = logging.getLogger(__name__)

MOST_FILES_EXAMINED = 10_000


@attrs.frozen(eq=False)
class Dataset:
    """A data set, divided.

    Attributes:
        store: Where it came from.
        splits: The images by `train`, `val` and, where there are such, `train_val` and `test`.
        split: What was taken from the training images, with nothing left to defaults.
        declares_size: Whether the store says that all images have one size, as packed data does.
        skipped: The images that were left out because they can't be read, with the reasons.
        groups: `(N,)`: of the images that were divided, those of one number stayed together; None
            where nothing was divided, or each image on its own.
    """

    store: DatasetStore
    splits: dict[str, LabelledImages]
    split: SplitConfig
    declares_size: bool
    skipped: tuple[str, ...] = ()
    groups: np.ndarray | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes' names."""
        return self.splits["train"].label_names


def find_store(data: str) -> DatasetStore:
    """Returns the store that a text names: a plugin with options, or the path of a data set.

    A plugin's name wins over a folder of the same name; `./digits` is the folder.

    Its paths are absolute, so that what is written down holds from any working directory.

    Raises:
        DlcvError: it is neither, or nothing recognizes the path.
    """
    store = _find_store(data)
    paths = {k: v for k, v in store.options().items() if isinstance(v, Path)}
    return evolve(store, **{k: _expanded(v).absolute() for k, v in paths.items()})


def _find_store(data: str) -> DatasetStore:
    if not data.strip():
        raise DlcvError("the name of the data set is empty; name a folder, a file or a store")
    path = _expanded(data)
    exists = os.path.exists(path)
    stores = registry.descriptors("store")
    named = data.strip() in {name for d in stores for name in (d.name, d.qualified_name)}
    if named or (re.match(r"\s*[\w.-]+\(", data) and not exists):
        return registry.create("store", data)
    if not exists:
        if "://" in data:
            for cls in _readable_stores().values():
                if (store := cls.recognise_address(data)) is not None:
                    return store
            raise DlcvError(
                f"{data} is an address, and data is read from disk: download it, unpack it if it "
                "is an archive, and name the folder"
            )
        hint = suggestion(data, registry.names("store"))
        problem = f"no such file or folder: {data}"
        raise UnknownPluginError("store", data.strip(), problem=problem, hint=hint)
    return _recognised(data, path)


def _recognised(data: str, path: Path) -> DatasetStore:
    """Returns the one store that recognizes a path.

    Raises:
        DlcvError: none does, or several do: chance must not decide what the images mean.
    """
    found: dict[Descriptor, DatasetStore] = {}
    known = []
    for descriptor, cls in _readable_stores().items():
        store = cls.recognise(path)
        if store is not None:
            found[descriptor] = store
        if phrase := _what_is_recognised(cls):
            known.append(f"{registry.registry.usable_name(descriptor)}: {phrase}")
    # A name that ships with dlcv keeps its meaning here, too.
    shipped = {d.name for d in found if registry.registry.usable_name(d) == d.name}
    found = {
        d: store
        for d, store in found.items()
        if d.name not in shipped or registry.registry.usable_name(d) == d.name
    }
    names = [registry.registry.usable_name(d) for d in found]
    if len(found) > 1:
        ways = " or ".join(str(registry.registry.spec_of(store)) for store in found.values())
        raise DlcvError(
            f"{data} is recognized by the stores {' and '.join(names)}; name one of them: {ways}"
        )
    for name, store in zip(names, found.values(), strict=True):
        logger.info("%s: recognized as %s", data, name)
        return store
    raise DlcvError(
        f"{data}: no data set is recognized there{_what_is_there(path)}; what would be: "
        f"{'; '.join(known)}; another layout needs its store's name, see `dlcv plugins list`"
    )


def _what_is_there(path: Path) -> str:
    """Returns what a folder holds instead of a data set, as the continuation of a sentence."""
    if not path.is_dir():
        return ""
    # A folder that is no data set may be as large as a disk.
    files = list(itertools.islice(walk_files(path), MOST_FILES_EXAMINED))
    if any(map(is_image_file, files)):
        return ", for nothing tells the images' classes"
    if unread := unread_by_extension(files):
        return (
            f": its images are in formats that are not read ({', '.join(unread)}); convert them "
            "to JPEG or PNG"
        )
    return ", for it holds no images" if files else ", for it holds no files"


def _readable_stores() -> dict[Descriptor, type[DatasetStore]]:
    """Returns the stores that are not disabled; a broken one is a warning."""
    classes = {}
    for descriptor in registry.descriptors("store"):
        if descriptor.is_disabled:
            continue
        try:
            classes[descriptor] = registry.registry.load(descriptor)
        except PluginError as error:
            logger.warning("%s", error)
    return classes


def _what_is_recognised(cls: type[DatasetStore]) -> str:
    """Returns what a store's `recognise` says in its docstring: `Recognises` and a phrase."""
    first_line = (cls.recognise.__doc__ or "").strip().partition("\n")[0]
    return first_line.removeprefix("Recognises ").rstrip(".") if "Recognises " in first_line else ""


def _expanded(path: str | Path) -> Path:
    """Returns a path with `~` expanded, as it is where there is no such user."""
    return Path(os.path.expanduser(path))


def open_dataset(
    store: DatasetStore,
    split: SplitConfig,
    *,
    bad_images: str = "error",
    threads: int = 1,
    look: bool = True,
    fraction: float = 1.0,
    announce: bool = True,
    groups: np.ndarray | None = None,
) -> Dataset:
    """Opens all splits, leaves out or refuses what can't be read, and divides what is not divided.

    Args:
        store: Where the images are.
        split: What to take from the training images; splits that the store has are used as they
            are.
        bad_images: `error` or `skip`.
        threads: Threads for reading.
        look: Whether every image is decoded now, to find bad ones and the size; who decodes all of
            them anyway, and needs no size, saves half of the work.
        fraction: The share of each split's images that is used; the rest is not looked at.
        announce: What `divide` takes.
        groups: What a run kept of its groups; else those that `split` names are found.

    Raises:
        DlcvError: images can't be read, classes are missing or too small, or a part is asked for
            that the store has already.
    """
    names = store.splits()
    split = settle(split, names)

    def divided(opened: dict[str, LabelledImages]) -> dict[str, LabelledImages]:
        nonlocal groups
        opened = _checked(opened, split)
        if groups is None and split.groups and is_divided(opened, split):
            images = opened["train"] if "train" in opened else opened[UNSPLIT]
            groups = registry.registry.hooks().dlcv_groups(
                images=images, store=store, groups=split.groups, threads=threads
            )
        return divide(opened, split, groups, announce=announce)

    opened = {name: store.open(name) for name in names}
    declares_size = all(None not in images.image_shape for images in opened.values())
    if fraction < 1:
        # Shares are taken before the look at every image, so that a quick try is quick.
        whole = divided(opened)
        opened = {n: share_of(images, fraction, split.seed) for n, images in whole.items()}
    skipped: list[str] = []
    for name, images in opened.items() if look else ():
        checked = survey(images, skip=bad_images == "skip", threads=threads)
        opened[name] = checked.images
        skipped += checked.skipped
    if skipped:
        logger.warning("unreadable images are left out: %d", len(skipped))
    splits = _checked(opened, split) if fraction < 1 else divided(opened)
    ordered = {name: splits[name] for name in SPLITS if name in splits}
    kept = groups if has_groups(groups) else None
    dataset = Dataset(store, ordered, split, declares_size, tuple(skipped), kept)
    registry.registry.hooks().dlcv_opened(dataset=dataset)
    return dataset


def open_split(
    store: DatasetStore,
    split: SplitConfig,
    name: str,
    *,
    bad_images: str = "error",
    threads: int = 1,
    fraction: float = 1.0,
    groups: np.ndarray | None = None,
) -> Survey:
    """Opens one split of a data set as `open_dataset` does, and decodes the images of no other.

    Args:
        store: Where the images are.
        split: What to take from the training images.
        name: The split.
        bad_images: `error` or `skip`.
        threads: Threads for reading.
        fraction: The share of the split's images that is used.
        groups: What the run kept of its groups, if there are any.

    Raises:
        DlcvError: there is no such split, or what `open_dataset` raises.
    """
    skip = bad_images == "skip"
    opened = {each: store.open(each) for each in store.splits()}
    skipped: list[str] = []
    depends_on_others = name not in opened or split.small_classes != "error"
    is_chosen = fraction == 1 and depends_on_others
    if is_chosen:
        # Of images of many sizes `open_dataset` chooses among those that can be read, so that the
        # split's fingerprint is that of a subset.
        divided = "train" if "train" in opened else UNSPLIT
        whole = name if name in opened else divided
        if skip:
            for each in opened.keys() & {divided, whole}:
                checked = survey(opened[each], skip=True, threads=threads)
                opened[each] = checked.images
                skipped += checked.skipped if each == whole else []
        elif None in opened[whole].image_shape:
            opened[whole] = Subset(opened[whole], np.arange(len(opened[whole])))
    splits = _checked(opened, settled := settle(split, opened))
    if depends_on_others:
        splits = divide(splits, settled, groups, announce=False)
    if name not in splits:
        known = ", ".join(each for each in SPLITS if each in splits)
        raise DlcvError(f'the run has no split "{name}"; it has {known}')
    images = share_of(splits[name], fraction, split.seed) if fraction < 1 else splits[name]
    checked = survey(images, skip=skip, threads=threads)
    if is_chosen and isinstance(images, Subset):
        images.image_shape = checked.images.image_shape
        return Survey(images, skipped)
    return Survey(checked.images, checked.skipped)


def align_labels(images: LabelledImages, label_names: tuple[str, ...]) -> LabelledImages:
    """Returns images with their labels as indices into a model's classes, matched by name.

    Raises:
        DlcvError: the images have a class that the model does not know.
    """
    if unknown := [n for n in images.label_names if n not in label_names]:
        raise DlcvError(
            f"the model does not know the class{'es' if len(unknown) > 1 else ''} "
            f"{some(unknown)} of the data; it knows {some(label_names)}"
        )
    aligned = Subset(images, np.arange(len(images)))
    positions = np.array([label_names.index(n) for n in images.label_names], np.int64)
    aligned.labels = positions[images.labels]
    aligned.label_names = label_names
    return aligned


def _checked(opened: dict[str, LabelledImages], split: SplitConfig) -> dict[str, LabelledImages]:
    """Returns the splits in agreement with each other; raises `DlcvError` if they can't be."""
    if not {"train", UNSPLIT} & set(opened):
        raise DlcvError(f"there is no split to train on; the data has {', '.join(opened)} only")
    for images in opened.values():
        _check_names(images.label_names)
    opened = _without_empty(opened, split)
    _check_classes(opened)
    return _agreeing(opened)


def _without_empty(
    opened: dict[str, LabelledImages], split: SplitConfig
) -> dict[str, LabelledImages]:
    """Returns the splits without the classes that the first has no image of, or refuses them."""
    first = next(iter(opened.values()))
    present = set(first.labels.tolist())
    empty = [name for label, name in enumerate(first.label_names) if label not in present]
    if empty and split.small_classes == "error":
        raise DlcvError(f"there is no image of {some(empty)} to train with; {WAYS}")
    return without_classes(opened, empty) if empty else opened


def _check_names(label_names: tuple[str, ...]) -> None:
    for name in map(printable, label_names):
        if name not in label_names:
            raise DlcvError(
                f'the class name "{name}" holds control characters, or bytes that are no text; '
                "rename the class"
            )


def _check_classes(opened: dict[str, LabelledImages]) -> None:
    first_name, first = next(iter(opened.items()))
    if len(first.label_names) < 2:
        found = f"only one class, {first.label_names[0]}" if first.label_names else "no classes"
        raise DlcvError(f"a classifier needs at least two classes; the data has {found}")
    for name, images in opened.items():
        if differing := sorted(set(first.label_names) ^ set(images.label_names)):
            raise DlcvError(
                f"the splits {first_name} and {name} differ in the classes {some(differing)}"
            )
        if not len(images):
            raise DlcvError(f"the split {name} has no images")
        present = {images.label_names[label] for label in np.unique(images.labels)}
        if absent := [label for label in images.label_names if label not in present]:
            logger.warning(
                "the split %s has no image of %s; the accuracy there can't be measured",
                name,
                some(absent),
            )


def _agreeing(opened: dict[str, LabelledImages]) -> dict[str, LabelledImages]:
    """Returns the splits with the first one's order of the classes, and a shape that holds for all.

    Raises:
        DlcvError: they differ in the number of channels.
    """
    shapes = {images.image_shape for images in opened.values()}
    if len({channels for _, _, channels in shapes}) > 1:
        raise DlcvError("some splits have color images and others do not")
    label_names = next(iter(opened.values())).label_names
    agreeing = {}
    for name, images in opened.items():
        if images.label_names != label_names:
            images = align_labels(images, label_names)
        if len(shapes) > 1:
            images = Subset(images, np.arange(len(images)), (None, None, images.image_shape[2]))
        agreeing[name] = images
    return agreeing
