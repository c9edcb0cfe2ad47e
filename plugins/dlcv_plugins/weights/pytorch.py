"""PyTorch's weight files, old stream and zip, read without PyTorch; nothing in them is executed."""

import math
import os
import pickle
import pickletools
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

import attrs
import numpy as np

from dlcv import files
from dlcv.errors import DlcvError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""The two numbers that a file in the stream format begins with."""
NESTED = ("state_dict", "model", "model_state_dict")
"""Under which names training checkpoints hold the weights."""
STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
OPCODES = frozenset(
    {"PROTO", "FRAME", "MARK", "STOP", "NONE", "NEWTRUE", "NEWFALSE"}
    | {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
    | {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
    | {"BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET"}
    | {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS"}
    | {"EMPTY_DICT", "SETITEM", "SETITEMS", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"}
    | {"BINPERSID"}
)
"""What a state dictionary is written with; other instructions of pickle are refused."""
Order = Literal["<", ">"]
LARGEST_PICKLE = 2**26
"""Bytes of one pickled part; the numbers are not in it."""


def read_pytorch(path: Path) -> "dict[str, np.ndarray]":
    """Reads the arrays of a state dictionary that `torch.save` wrote.

    A pickle may name any function to call. Here only ordered dictionaries, tensors and their
    storages are known, as functions of this module; all else is refused before it is looked up.
    No more memory is taken than the file is large.

    Args:
        path: The file, in the stream format or the zip format.

    Returns:
        The arrays by name: float16, float32, float64, integers; bfloat16 becomes float32.

    Raises:
        DlcvError: the file is damaged, holds something else, or refers to other Python objects.
    """
    try:
        with open(path, "rb", opener=files.regular) as file:
            head = file.read(4)
            file.seek(0)
            found = _read_zip(file) if head == b"PK\x03\x04" else _read_stream(file)
    except _RefusedError as error:
        raise DlcvError(f"{path}: {error}") from None
    except Exception as error:
        # Pickle, zipfile and NumPy raise nearly anything on damaged input.
        problem = f"is damaged, or not a PyTorch weight file: {error}"
        raise files.unreadable(path, error, problem) from None
    return found


class _RefusedError(Exception):
    """The file is readable, but holds what is not read."""


@attrs.frozen(eq=False)
class _StorageType:
    """The numbers' type, as its name in NumPy."""

    dtype: str

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return 2 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize


@attrs.frozen(eq=False)
class _Storage:
    """A row of numbers that tensors are cut from."""

    key: str
    type: _StorageType
    count: int


@attrs.frozen(eq=False)
class _Tensor:
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, numbers: np.ndarray) -> np.ndarray:
        """Cuts the tensor from its storage's numbers."""
        strides = [step * numbers.itemsize for step in self.strides]
        start = numbers[self.offset :]
        return np.ascontiguousarray(
            np.lib.stride_tricks.as_strided(start, self.shape, strides, writeable=False)
        ).reshape(self.shape)


class _Unpickler(pickle.Unpickler):
    """Knows ordered dictionaries, tensors and storages; `storages` holds those that were named."""

    def __init__(self, content: bytes) -> None:
        super().__init__(BytesIO(content))
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        # Made anew for each file: a pickle can set attributes of what it gets.
        if module == "torch" and name in STORAGES:
            return _StorageType(STORAGES[name])
        if (module, name) == ("collections", "OrderedDict"):
            return lambda items=(): _Dictionary(items)
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *values: _tensor(*values[:4])
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_: _checked(data, _Tensor)
        raise _RefusedError(
            f"it refers to the Python object {module}.{name}, which is not loaded, since it might "
            "run code; save the state dictionary alone: torch.save(model.state_dict(), ...)"
        )

    def persistent_load(self, identity: Any) -> _Storage:
        kind, numbers, key, _, count, *view = identity
        if kind != "storage" or any(part is not None for part in view):
            raise ValueError("a storage is a view of another one")
        storage = _Storage(_checked(key, str), _checked(numbers, _StorageType), _natural(count))
        known = self.storages.setdefault(storage.key, storage)
        if (known.type.dtype, known.count) != (storage.type.dtype, storage.count):
            raise ValueError(f"storage {key} has two sizes")
        return known


class _Dictionary(dict[Any, Any]):
    """What stands for an ordered dictionary; PyTorch gives it an attribute, `_metadata`."""


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> _Tensor:
    tensor = _Tensor(
        _checked(storage, _Storage),
        _natural(offset),
        tuple(map(_natural, _checked(shape, tuple))),
        tuple(map(_natural, _checked(strides, tuple))),
    )
    if len(tensor.shape) != len(tensor.strides) or len(tensor.shape) > 8:
        raise ValueError(f"a tensor has the shape {tensor.shape} and strides {tensor.strides}")
    count = math.prod(tensor.shape)
    last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
    # Steps of 0 would make much out of little.
    if count > tensor.storage.count or (count and tensor.offset + last >= tensor.storage.count):
        raise ValueError(f"a tensor of shape {tensor.shape} is larger than its storage")
    return tensor


def _read_stream(file: BinaryIO) -> dict[str, np.ndarray]:
    """Reads five pickles, and then the numbers of each storage, which are always little-endian."""
    if _unpickle(file)[0] != MAGIC or _unpickle(file)[0] != PROTOCOL:
        raise ValueError("it does not begin as torch.save writes it")
    _unpickle(file)  # Sizes of the writer's integers.
    content, storages = _unpickle(file)
    keys = _checked(_unpickle(file)[0], list)
    size = os.fstat(file.fileno()).st_size
    arrays: dict[str, np.ndarray] = {}
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(file.read(8), "little", signed=True)
        wanted = count * storage.type.itemsize
        if key in arrays or count != storage.count or wanted > size - file.tell():
            raise ValueError(f"the numbers of storage {key} are cut off or of another size")
        arrays[key] = _numbers(file.read(wanted), storage.type, "<")
    return _arrays(content, arrays)


def _read_zip(file: BinaryIO) -> dict[str, np.ndarray]:
    """Reads `data.pkl`, and the numbers of each storage from `data/KEY`, in one folder."""
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if any(e.compress_type != zipfile.ZIP_STORED for e in entries.values()):
            raise ValueError("its parts are compressed, which torch.save does not do")
        # Parts may overlap, and then be more than the file holds.
        if sum(e.file_size for e in entries.values()) > os.fstat(file.fileno()).st_size:
            raise ValueError("its parts are larger than the file")
        found = [name for name in entries if name.endswith("/data.pkl")]
        if len(found) != 1:
            raise _RefusedError("no PyTorch weight file: it holds no data.pkl")
        folder = found[0].removesuffix("data.pkl")
        content, storages = _unpickle(BytesIO(archive.read(found[0])))
        order: Order = ">" if _text(archive, entries, f"{folder}byteorder") == "big" else "<"
        arrays: dict[str, np.ndarray] = {}
        for key, storage in storages.items():
            name = f"{folder}data/{key}"
            if entries[name].file_size != storage.count * storage.type.itemsize:
                raise ValueError(f"{name} has not the size of its storage")
            arrays[key] = _numbers(archive.read(name), storage.type, order)
    return _arrays(content, arrays)


def _text(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str) -> str:
    return archive.read(name).decode("ascii").strip() if name in entries else ""


def _unpickle(file: BinaryIO) -> tuple[Any, dict[str, _Storage]]:
    """Reads one pickle, leaves the file after it, and returns also the storages that it names."""
    start = file.tell()
    left = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    # `read` reserves what it is asked for, and a pickle ends where it says.
    content = BytesIO(file.read(min(left, LARGEST_PICKLE)))
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name not in OPCODES:
            raise _RefusedError(
                f"it uses pickle's instruction {opcode.name}, which weights don't need"
            )
        # Python reserves memory for as many places as the highest one that is named.
        if opcode.name == "LONG_BINPUT" and int(argument or 0) > count:
            raise ValueError("its pickle names a place that it can't have filled")
    end = content.tell()
    file.seek(start + end)
    unpickler = _Unpickler(content.getvalue()[:end])
    return unpickler.load(), unpickler.storages


def _arrays(content: Any, storages: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    for name in NESTED:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict):
        raise _RefusedError(
            f"it holds no state dictionary, but {type(content).__name__.strip('_')}"
        )
    tensors = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, _Tensor)}
    if not tensors:
        raise _RefusedError("it holds no tensors by name")
    # Tensors may share numbers; that many copies of them would be more than the file.
    if sum(math.prod(t.shape) for t in tensors.values()) > 2 * sum(map(len, storages.values())):
        raise ValueError("its tensors are larger than its storages")
    return {name: tensor.array(storages[tensor.storage.key]) for name, tensor in tensors.items()}


def _numbers(content: bytes, kind: _StorageType, order: Order) -> np.ndarray:
    if kind.dtype == "bfloat16":
        high = np.frombuffer(content, f"{order}u2").astype(np.uint32)
        return (high << 16).view(np.float32)
    numbers = np.frombuffer(content, np.dtype(kind.dtype).newbyteorder(order))
    return numbers.astype(numbers.dtype.newbyteorder("="))


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{type(value).__name__} where {kind.__name__.strip('_')} was expected")
    return value


def _natural(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise ValueError(f"{value!r} where a count was expected")
    return value
