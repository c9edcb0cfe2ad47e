"""Writes files as `torch.save` does, without PyTorch: both formats, from NumPy's arrays."""

import io
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

TYPES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
    "bfloat16": "BFloat16Storage",
}


class View:
    """A tensor: numbers, and which of them."""

    def __init__(self, numbers: np.ndarray, shape: Any, strides: Any, offset: int = 0) -> None:
        self.numbers, self.shape, self.strides, self.offset = numbers, shape, strides, offset
        self.type = TYPES[str(numbers.dtype)]


def contiguous(array: np.ndarray) -> View:
    strides = tuple(step // array.itemsize for step in np.array(array, order="C").strides)
    return View(array.ravel(), array.shape, strides)


class FakeTorch:
    """Modules of PyTorch's names for the pickler to refer to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        torch, utils = ModuleType("torch"), ModuleType("torch._utils")

        def _rebuild_tensor_v2(*values: Any) -> Any:
            raise AssertionError("only written, never called")

        _rebuild_tensor_v2.__module__ = "torch._utils"
        _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
        utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
        for name in TYPES.values():
            setattr(torch, name, type(name, (), {"__module__": "torch"}))
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setitem(sys.modules, "torch._utils", utils)
        self.torch, self.utils = torch, utils

    def pickled(self, content: Any, stored: dict[str, np.ndarray], *, views: bool = False) -> bytes:
        """Pickles a state dictionary; the numbers of its tensors go to `stored`."""
        outer = self

        class Storage:
            def __init__(self, view: View) -> None:
                self.view = view

        class Pickler(pickle.Pickler):
            def persistent_id(self, thing: Any) -> Any:
                if not isinstance(thing, Storage):
                    return None
                numbers = thing.view.numbers
                key = next((k for k, v in stored.items() if v is numbers), str(len(stored)))
                stored[key] = numbers
                kind = getattr(outer.torch, thing.view.type)
                return ("storage", kind, key, "cpu", len(numbers), *([None] if views else []))

            def reducer_override(self, thing: Any) -> Any:
                if not isinstance(thing, View):
                    return NotImplemented
                values = (Storage(thing), thing.offset, thing.shape, thing.strides, False)
                return outer.utils._rebuild_tensor_v2, (*values, OrderedDict())

        file = io.BytesIO()
        Pickler(file, protocol=2).dump(content)
        return file.getvalue()

    def write_zip(self, path: Path, content: Any, *, big: bool = False) -> Path:
        stored: dict[str, np.ndarray] = {}
        pickled = self.pickled(content, stored)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickled)
            archive.writestr("archive/byteorder", "big" if big else "little")
            for key, numbers in stored.items():
                ordered = numbers.astype(numbers.dtype.newbyteorder(">" if big else "<"))
                archive.writestr(f"archive/data/{key}", ordered.tobytes())
            archive.writestr("archive/version", "3\n")
        return path

    def write_stream(self, path: Path, content: Any) -> Path:
        stored: dict[str, np.ndarray] = {}
        main = self.pickled(content, stored, views=True)
        sizes = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
        with open(path, "wb") as file:
            for part in (0x1950A86A20F9469CFC6C, 1001, sizes):
                pickle.dump(part, file, protocol=2)
            file.write(main)
            pickle.dump(sorted(stored), file, protocol=2)
            for key in sorted(stored):
                file.write(len(stored[key]).to_bytes(8, "little") + stored[key].tobytes())
        return path
