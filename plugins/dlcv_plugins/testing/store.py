"""Checks of dataset stores.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dlcv.errors import DlcvError
from dlcv.interfaces import SPLITS, UNSPLIT, DatasetStore, LabelledImages, Plugin
from dlcv.testing import Check

SOME = 12
"""How many images are looked at, spread over a split."""


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for stores; they need one that holds images."""
    return (
        check_splits_are_known_names,
        check_unknown_split_is_refused,
        check_labels_fit_their_names,
        check_images_have_the_shape_that_is_told,
        check_images_are_read_in_any_order,
        check_images_are_read_by_several_threads,
        check_sample_ids_are_distinct,
        check_fingerprint_is_stable,
        check_only_data_sets_are_recognised,
    )


def check_splits_are_known_names(store: DatasetStore) -> None:
    """A store is divided into `train`, `val`, `test`, or not at all."""
    splits = store.splits()
    assert splits == (UNSPLIT,) or ("train" in splits and set(splits) <= set(SPLITS)), (
        f'the splits are {splits}; they are ("{UNSPLIT}",), or of {SPLITS} and with "train"'
    )
    assert len(set(splits)) == len(splits), f"a split is named twice: {splits}"


def check_unknown_split_is_refused(store: DatasetStore) -> None:
    """A split that is not there is an expected error."""
    try:
        store.open("no_such_split")
    except DlcvError:
        return
    except Exception as error:
        raise AssertionError(f"an unknown split raises {error!r}, not a DlcvError") from error
    raise AssertionError("an unknown split is opened; raise a DlcvError")


def check_labels_fit_their_names(store: DatasetStore) -> None:
    """Labels are indices into the names, which are the same for all splits."""
    names = store.open(store.splits()[0]).label_names
    assert isinstance(names, tuple), f"the label names are {names!r}, not a tuple"
    assert len(set(names)) == len(names), f"some label names are the same: {names}"
    for split in store.splits():
        opened = store.open(split)
        assert opened.label_names == names, f"the label names of {split} are not those of the first"
        assert opened.labels.dtype == "int64", f"labels are {opened.labels.dtype}, not int64"
        assert opened.labels.shape == (len(opened),) != (0,), (
            f"{split} has {len(opened)} images and labels of shape {opened.labels.shape}"
        )
        low, high = opened.labels.min(), opened.labels.max()
        assert 0 <= low <= high < len(names), (
            f"labels of {split} go from {low} to {high}, and there are {len(names)} names"
        )


def check_images_have_the_shape_that_is_told(store: DatasetStore) -> None:
    """Images are uint8, `(H, W, C)`, as `image_shape` tells; None stands for what may differ."""
    for split in store.splits():
        opened = store.open(split)
        for image in opened.read(_some(opened)):
            assert image.dtype == "uint8", f"images of {split} are {image.dtype}, not uint8"
            told = opened.image_shape
            fits = [t in (None, own) for t, own in zip(told, image.shape, strict=False)]
            assert len(told) == image.ndim, f"an image of {split} is {image.shape}, not (H, W, C)"
            assert all(fits), f"an image of {split} is {image.shape}, but image_shape is {told}"


def check_images_are_read_in_any_order(store: DatasetStore) -> None:
    """Reading gives the images asked for, in the order asked, repeated if asked twice."""
    for split in store.splits():
        opened = store.open(split)
        single = {i: opened.read([i])[0] for i in _some(opened)}
        order = [*reversed(single), *single]
        for i, image in zip(order, opened.read(order), strict=True):
            same = image.shape == single[i].shape and (image == single[i]).all()
            assert same, f"image {i} of {split} differs when it is read among others"


def check_images_are_read_by_several_threads(store: DatasetStore) -> None:
    """The loader reads from several threads at once."""
    opened = store.open(store.splits()[0])
    some = _some(opened)
    expected = [image.tobytes() for image in opened.read(some)]
    with ThreadPoolExecutor(4) as executor:
        for images in executor.map(opened.read, [some] * 16):
            assert [image.tobytes() for image in images] == expected, (
                "images differ when several threads read at once; hold a lock, or share nothing"
            )


def check_sample_ids_are_distinct(store: DatasetStore) -> None:
    """Ids name images to people, in errors and reports."""
    for split in store.splits():
        opened = store.open(split)
        ids = [opened.sample_id(i) for i in range(len(opened))]
        assert all(isinstance(i, str) for i in ids), f"a sample id of {split} is no text"
        assert len(set(ids)) == len(ids), f"{split} has {len(set(ids))} ids for {len(ids)} images"


def check_fingerprint_is_stable(store: DatasetStore) -> None:
    """A run is resumed only if its data's fingerprint is as it was."""
    for split in store.splits():
        first, second = store.open(split).fingerprint(), store.open(split).fingerprint()
        is_text = isinstance(first, str) and first
        assert is_text, f"the fingerprint of {split} is {first!r}; it changes with the samples"
        assert first == second, (
            f"the fingerprint of {split} is {first}, then {second}, and nothing changed"
        )


def check_only_data_sets_are_recognised(store: DatasetStore) -> None:
    """`recognise` is asked about every path that a user names, and says None to most."""
    cls = type(store)
    if cls.recognise.__func__ is DatasetStore.recognise.__func__:  # type: ignore[attr-defined]
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for inner in ("empty", "notes/2024", "listed"):
            (folder / inner).mkdir(parents=True)
        for file in ("notes.txt", "notes/2024/todo.txt", "listed/train.txt", "model", "odd.bin"):
            (folder / file).write_bytes(b"no images: \x00\xff\n")
        for path in (*sorted(folder.rglob("*")), folder / "missing"):
            shown = path.relative_to(folder)
            try:
                found = cls.recognise(path)
            except Exception as error:
                raise AssertionError(f"recognise raises {error!r} for {shown}") from error
            assert found is None, f"recognise takes {shown}, which holds no images; return None"


def _some(opened: LabelledImages) -> list[int]:
    import numpy as np

    return [int(i) for i in np.linspace(0, len(opened) - 1, min(SOME, len(opened)))]
