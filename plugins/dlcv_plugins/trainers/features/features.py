"""A folder of features: an HDF5 file a split, and all that a run needs to predict with them."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np

from dlcv import files
from dlcv.api import RunConfig, RunDirectory
from dlcv.errors import DlcvError
from dlcv.interfaces import SPLITS
from dlcv_plugins import hdf5, storage

DESCRIPTION = "features.toml"
COPIES = "copies.npz"
"""Which of the held-out images, in the order of the data, have copies among the training images."""
COLUMNS = ("labels", "label_names", "indices", "sample_ids")
"""What accompanies the features: of each row its label, its place in the split, and its name."""
EXPECTED = "features, " + ", ".join(COLUMNS)


@attrs.frozen(eq=False)
class SplitFeatures:
    """The features of one split.

    Attributes:
        values: `(N, features)` float32, mapped from the file: nothing is read before it is used.
        labels: `(N,)` int64.
        label_names: The classes' names.
        indices: `(N,)` int64: the places of the rows' images in the split, before the shuffle.
        sample_ids: What names the image of each row.
    """

    values: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    indices: np.ndarray
    sample_ids: tuple[str, ...]

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.labels)


@attrs.frozen(eq=False)
class Features:
    """Features of a data set's images, as `dlcv extract` writes them.

    Attributes:
        path: The folder.
        about: What they were made by and of, as `features.toml` has it.
        splits: The features by split.
    """

    path: Path
    about: dict[str, Any]
    splits: dict[str, SplitFeatures] = attrs.field(repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Features":
        """Opens a folder of features.

        Raises:
            DlcvError: there is none, or it is damaged or not of one piece.
        """
        folder = Path(path)
        description = _read_description(folder)
        about, recorded = description["extraction"], description["files"]
        splits = {}
        for name in SPLITS:
            if (file := f"{name}.hdf5") in recorded:
                _check_file(folder / file, recorded[file], about)
                splits[name] = read_split(folder / file)
        for name, split in splits.items():
            _check_split(folder / f"{name}.hdf5", split, about)
        if missing := [name for name in about["rows"] if name not in splits]:
            raise DlcvError(
                f"{folder} lacks {missing[0]}.hdf5, though its extraction had {missing[0]} images; "
                "extract the features again"
            )
        if "train" not in splits:
            raise DlcvError(f"{folder} holds no train.hdf5, so there is nothing to fit to")
        return cls(folder, about, splits)

    @property
    def directory(self) -> RunDirectory:
        """What a run needs beside the features: configuration, preprocessing, weights."""
        return RunDirectory(self.path)

    @property
    def config(self) -> RunConfig:
        """The configuration that the features were extracted with."""
        return RunConfig.load(self.directory.config)

    @property
    def has_copy(self) -> np.ndarray | None:
        """What `Predictions` has for the held-out images."""
        path = self.path / COPIES
        if not path.exists():
            return None
        has_copy = files.load_arrays(path).get("has_copy", np.zeros(0))
        rows = len(self.splits[self.held_out])
        if has_copy.shape != (rows,) or has_copy.dtype.kind != "b":
            raise DlcvError(f"{path} is damaged: it does not fit the {rows} held-out images")
        return has_copy

    @property
    def held_out(self) -> str:
        """The split for the final figures: `test`, or `val` where there is no other."""
        return "test" if "test" in self.splits else "val"


def columns(
    labels: np.ndarray, label_names: tuple[str, ...], indices: np.ndarray, ids: list[str]
) -> dict[str, hdf5.Column]:
    """Returns what accompanies the features in a file."""
    return dict(zip(COLUMNS, (labels, label_names, indices, ids), strict=True))


def read_split(path: Path) -> SplitFeatures:
    """Opens the file of one split.

    Raises:
        DlcvError: it is no such file, is damaged, or leads to other files.
    """
    if not hdf5.is_hdf5(path):
        raise DlcvError(f"{path} {'is no HDF5 file' if path.exists() else 'does not exist'}")
    try:
        with h5py.File(path, "r") as file:
            found = {n: hdf5.plain_dataset(file, path, n, EXPECTED) for n in ("features", *COLUMNS)}
            values = found["features"]
            offset = values.id.get_offset()
            if values.dtype != "<f4" or values.ndim != 2 or values.chunks or offset is None:
                raise DlcvError(
                    f"{path}: features {values.shape} of {values.dtype} are no rows of float32 "
                    "that lie one after the other"
                )
            if offset + 4 * values.size > path.stat().st_size:
                raise DlcvError(f"{path} is cut off: {len(values)} rows do not fit into it")
            labels = found["labels"][()].astype(np.int64)
            names = hdf5.class_names(path, found["label_names"])
            indices = found["indices"][()].astype(np.int64)
            ids = tuple(found["sample_ids"].asstr("utf-8", "surrogateescape")[:].tolist())
            shape = values.shape
    except (*hdf5.DAMAGE, TypeError, AttributeError) as error:
        raise hdf5.unreadable(path, error) from None
    if not labels.shape == indices.shape == (len(ids),) == (shape[0],) > (0,):
        raise DlcvError(f"{path}: features {shape} and labels {labels.shape} do not agree")
    if not 0 <= labels.min() <= labels.max() < len(names):
        raise DlcvError(
            f"{path}: labels go from {labels.min()} to {labels.max()}, but there are {len(names)} "
            "label names"
        )
    if not np.array_equal(np.sort(indices), np.arange(len(indices))):
        raise DlcvError(f"{path}: indices name a row twice, or one that is not there")
    mapped = np.memmap(path, "<f4", "r", offset, shape)
    return SplitFeatures(mapped, labels, names, indices, ids)


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Returns how two descriptions differ, in words: `base: vgg16 there, lenet here`."""
    return "; ".join(
        f"{key.replace('_', ' ')}: {_shown(theirs.get(key))} there, {_shown(ours.get(key))} here"
        for key in {**ours, **theirs}
        if ours.get(key) != theirs.get(key)
    )


def _shown(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _read_description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if not path.is_file():
        why = f"holds no {DESCRIPTION}" if folder.exists() else "does not exist"
        raise DlcvError(f"{folder} {why}; `dlcv extract` makes a folder of features")
    try:
        content = tomllib.loads(files.read(path).decode())
        about = content["extraction"]
        well_formed = all(isinstance(content[k], dict) for k in ("extraction", "files"))
        if not well_formed or not {"base", "features", "classes", "rows"} <= about.keys():
            raise ValueError("what the features were made of is missing")
    except OSError as error:
        raise DlcvError(f"can't read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DlcvError(f"{path} is damaged: {error}") from None
    return content


def _check_file(path: Path, recorded: Any, about: dict[str, Any]) -> None:
    """Raises a `DlcvError` if a file is not the one that was written there."""
    if not path.is_file():
        raise DlcvError(f"{path} is missing; extract the features again")
    if not isinstance(recorded, dict) or not isinstance(recorded.get("sha256"), str):
        raise DlcvError(f"{path.with_name(DESCRIPTION)}: the record of {path.name} has no sha256")
    try:
        storage.check_record(path, recorded)
    except DlcvError as error:
        reason = str(error).partition(";")[0]
        raise DlcvError(
            f"{reason}, or it holds features of another network than {about['base']} up to "
            f"{about.get('layer')} ({about['features']} an image): extract them again"
        ) from None


def _check_split(path: Path, split: SplitFeatures, about: dict[str, Any]) -> None:
    """Raises a `DlcvError` if features are not of the network that the folder names."""
    expected = {"features": about["features"], "classes": list(about["classes"])}
    found = {"features": split.values.shape[1], "classes": list(split.label_names)}
    if expected != found:
        raise DlcvError(
            f"{path} is of another network or other data than {path.with_name(DESCRIPTION)}: "
            f"{differences(expected, found)}"
        )
