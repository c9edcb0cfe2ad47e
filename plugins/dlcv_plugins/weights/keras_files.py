"""Weights from files that Keras wrote, by layer; nothing in the files is executed."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv import files
from dlcv.errors import DlcvError, first_line
from dlcv_plugins import hdf5

if TYPE_CHECKING:
    import h5py
    import numpy as np

IN_ARCHIVE = "model.weights.h5"
"""The weights in a `.keras` file, which is a zip archive."""
LARGEST_RATIO = 10
"""Weights hardly shrink when they are packed; what grows more than that is no file of weights."""
READ_AT_ONCE = 2**20
"""Bytes that are unpacked at once, before the sum is compared with the bound."""


@attrs.frozen(eq=False)
class StoredArray:
    """An array in a file that is open; `numpy.asarray` reads it.

    Attributes:
        path: The file.
        shape: The array's shape; compare it before reading, since it decides the memory.
    """

    path: Path
    shape: tuple[int, ...]
    _dataset: Any = attrs.field(alias="dataset")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray":
        """Reads the array.

        Raises:
            DlcvError: the file is damaged there.
        """
        import numpy as np

        try:
            return np.asarray(self._dataset[()], dtype)
        except Exception as error:
            raise _unreadable(self.path, error) from None


@attrs.frozen(eq=False)
class StoredLayer:
    """The weights of a layer in a file.

    Attributes:
        name: The layer's name.
        place: Where Keras finds it, whatever its name is: the name of its class with a number, or
            its position among the layers with weights.
        arrays: Its weights in Keras's order, without counters.
    """

    name: str
    place: str
    arrays: Sequence[StoredArray]


@contextmanager
def open_weights(path: Path) -> Iterator[list[StoredLayer]]:
    """Opens a file of weights, of which the arrays can be read within the block.

    Args:
        path: A file whose name ends in one of `WEIGHT_FILES`.

    Raises:
        DlcvError: the file can't be read as weights, or refers to other files.
    """
    suffix = next((s for s in WEIGHT_FILES if path.name.endswith(s)), None)
    if suffix is None:
        raise DlcvError(f"{path}: files of weights end in {listed(WEIGHT_FILES)}")
    with ExitStack() as stack:
        try:
            layers = stack.enter_context(_READERS[suffix](path))
        except DlcvError:
            raise
        except Exception as error:
            # Damaged files raise many things, from zipfile's to h5py's.
            raise _unreadable(path, error) from None
        yield layers


@contextmanager
def _open_hdf5(path: Path) -> Iterator[list[StoredLayer]]:
    """Opens what `save_weights` and the old `save` write."""
    import h5py

    hdf5.refuse_endless_heaps(path)
    with h5py.File(path, "r") as file:
        yield _stored_layers(file, path)


@contextmanager
def _open_keras(path: Path) -> Iterator[list[StoredLayer]]:
    """Opens what `save` writes; nothing else in the archive is read."""
    import h5py

    # What is left open on an object of Python ends the process with a segmentation fault.
    unpacked = _unpacked(path)
    hdf5.refuse_endless_heaps(path, unpacked)
    with BytesIO(unpacked) as content, h5py.File(content, "r") as file:
        yield _stored_layers(file, path)


def _unpacked(path: Path) -> bytes:
    """Returns the weights in an archive; sizes that the archive states are not believed."""
    most = LARGEST_RATIO * path.stat().st_size
    content = bytearray()
    with zipfile.ZipFile(path) as archive, archive.open(IN_ARCHIVE) as file:
        while part := file.read(READ_AT_ONCE):
            content += part
            if len(content) > most:
                raise ValueError("it is packed tighter than weights can be")
    return bytes(content)


_READERS: dict[str, Callable[[Path], AbstractContextManager[list[StoredLayer]]]] = {
    ".weights.h5": _open_hdf5,
    ".h5": _open_hdf5,
    ".hdf5": _open_hdf5,
    ".keras": _open_keras,
}
"""What opens a file, by how its name ends."""
WEIGHT_FILES = tuple(_READERS)
"""How the names of files with weights end."""


def _stored_layers(file: "h5py.File", path: Path) -> list[StoredLayer]:
    """Returns the layers of a file, in Keras's form or in that of Keras before version 3."""
    root = _group(file, "model_weights") if "model_weights" in file else file
    if _is_legacy(root):
        return _legacy_layers(root, path)
    return list(_keras_layers(_group(file, "layers"), path))


def _is_legacy(group: "h5py.Group") -> bool:
    return "layer_names" in group.attrs or "layer_names0" in group.attrs


def _keras_layers(groups: "h5py.Group", path: Path) -> Iterator[StoredLayer]:
    for place in groups:
        group = _group(groups, place)
        if "layers" in group:  # A network within the network.
            yield from _keras_layers(_group(group, "layers"), path)
        variables = _group(group, "vars")
        arrays = [_array(variables, str(i)) for i in range(len(variables))]
        if weights := _weights(arrays, path):
            yield StoredLayer(str(variables.attrs.get("name", place)), place, weights)


def _legacy_layers(root: "h5py.Group", path: Path) -> list[StoredLayer]:
    found: list[StoredLayer] = []
    for name in _texts(root, "layer_names"):
        group = _group(root, name)
        arrays = [_array(group, inner) for inner in _texts(group, "weight_names")]
        if weights := _weights(arrays, path):
            found.append(StoredLayer(name, str(len(found)), weights))
    return found


def _weights(arrays: "list[h5py.Dataset]", path: Path) -> list[StoredArray]:
    kept = [array for array in arrays if array.dtype.kind not in "iu"]
    return [StoredArray(path, tuple(array.shape), dataset=array) for array in kept]


def _texts(group: "h5py.Group", name: str) -> list[str]:
    """Returns an attribute of texts, which Keras divides where there are too many."""
    names = [name] if name in group.attrs else []
    while (part := f"{name}{len(names)}") in group.attrs:
        names.append(part)
    found = [text for part in names for text in group.attrs[part]]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in found]


def _group(parent: "h5py.Group", name: str) -> "h5py.Group":
    import h5py

    found = _own(parent, name)
    if not isinstance(found, h5py.Group):
        raise ValueError(f"it has no group {name} as Keras writes it")
    return found


def _array(parent: "h5py.Group", name: str) -> "h5py.Dataset":
    """Returns an array without reading it; what lies in another file is refused."""
    import h5py

    found = _own(parent, name)
    if (
        not isinstance(found, h5py.Dataset)
        or found.external is not None
        or found.is_virtual
        or found.dtype.kind not in "fiu"
    ):
        raise ValueError(f"{parent.name}/{name} is no array as Keras writes it")
    return found


def _own(parent: "h5py.Group", name: str) -> Any:
    """Returns what a path of hard links leads to, None if any part of it is another link."""
    import h5py

    found: Any = parent
    for part in name.strip("/").split("/"):
        if not isinstance(found, h5py.Group):
            return None
        if not isinstance(found.get(part, getlink=True), h5py.HardLink):
            return None
        found = found[part]
    return found


def _unreadable(path: Path, error: Exception) -> DlcvError:
    reason = str(error).split("\n")[0] if isinstance(error, ValueError) else first_line(error)
    return files.unreadable(path, error, f"can't be read as weights: {reason}")


def listed(names: Sequence[str]) -> str:
    """Returns names as people list alternatives: `a, b or c`."""
    return f"{', '.join(names[:-1])} or {names[-1]}"
