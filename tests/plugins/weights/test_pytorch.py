"""PyTorch's weight files: the numbers that were written, and nothing executed."""

import os
import pickle
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_files import FakeTorch, View, contiguous

from dlcv.errors import DlcvError
from dlcv_plugins.weights.pytorch import read_pytorch
from dlcv_plugins.weights.state_dict import read_state_dict

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "conv.half": np.array([1.5, -2], np.float16),
    "bn.double": np.array([0.1, 0.2]),
    "bn.num_batches_tracked": np.array(7, np.int64),
}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTorch:
    return FakeTorch(monkeypatch)


def state(arrays: dict[str, np.ndarray]) -> Any:
    return OrderedDict((name, contiguous(array)) for name, array in arrays.items())


@pytest.mark.parametrize("form", ["write_stream", "write_zip"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_arrays_are_those_that_were_written(
    fake: FakeTorch, tmp_path: Path, form: str, wrapped: bool
) -> None:
    content = {"state_dict": state(ARRAYS), "epoch": 3} if wrapped else state(ARRAYS)
    path = getattr(fake, form)(tmp_path / "w.pth", content)

    found = read_pytorch(path)

    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_numbers_of_the_other_byte_order_are_turned(fake: FakeTorch, tmp_path: Path) -> None:
    path = fake.write_zip(tmp_path / "w.pt", state(ARRAYS), big=True)

    np.testing.assert_array_equal(read_pytorch(path)["conv.weight"], ARRAYS["conv.weight"])


def test_views_share_a_storage_and_keep_their_strides(fake: FakeTorch, tmp_path: Path) -> None:
    numbers = np.arange(12, dtype=np.float32)
    content = {"t": View(numbers, (3, 2), (1, 3), 3), "u": View(numbers, (2,), (1,), 10)}

    found = read_pytorch(fake.write_zip(tmp_path / "w.pt", content))

    np.testing.assert_array_equal(found["t"], numbers[3:9].reshape(2, 3).T)
    np.testing.assert_array_equal(found["u"], [10, 11])


def test_bfloat16_becomes_float32(fake: FakeTorch, tmp_path: Path) -> None:
    values = np.array([1.0, -0.5, 3.140625], np.float32)
    view = contiguous((values.view(np.uint32) >> 16).astype(np.uint16).view(np.float16))
    view.type, view.numbers = "BFloat16Storage", view.numbers

    found = read_pytorch(fake.write_zip(tmp_path / "w.pt", {"b": view}))

    np.testing.assert_array_equal(found["b"], values)


class Harmful:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["write_stream", "write_zip"])
def test_harmful_pickle_is_refused_and_does_nothing(
    fake: FakeTorch, tmp_path: Path, form: str
) -> None:
    content = {**state(ARRAYS), "other": Harmful(tmp_path / "harm")}
    path = getattr(fake, form)(tmp_path / "w.pth", content)

    with pytest.raises(DlcvError, match=r"the Python object posix\.mkdir, which is not loaded"):
        read_pytorch(path)

    assert not (tmp_path / "harm").exists()
    pickle.loads(pickle.dumps(Harmful(tmp_path / "harm")))
    assert (tmp_path / "harm").exists(), "the same pickle does harm to a reader that trusts it"


def stream(content: bytes) -> bytes:
    return b"".join(pickle.dumps(x, 2) for x in (0x1950A86A20F9469CFC6C, 1001, {})) + content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged"),
        (b"no pickle at all", "damaged"),
        (b"PK\x03\x04 and no zip", "damaged"),
        (pickle.dumps({"a": 1}), "damaged"),
        (stream(b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"."), "damaged|BYTEARRAY8"),
        (stream(b"\x80\x02}r\xff\xff\xff\x7f."), "names a place that it can't have filled"),
        (stream(b"\x80\x02cbuiltins\neval\n."), "builtins.eval"),
        (stream(b"\x80\x02(cos\nsystem\no."), "uses pickle's instruction OBJ"),
        (stream(pickle.dumps([1], 2) + pickle.dumps([], 2)), "no state dictionary, but list"),
        (stream(pickle.dumps({"a": 1}, 2) + pickle.dumps([], 2)), "no tensors by name"),
    ],
)
def test_what_is_no_weight_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)

    tracemalloc.start()
    with pytest.raises(DlcvError, match=message):
        read_pytorch(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    "view",
    [
        View(np.zeros(4, np.float32), (2**20, 2**20), (0, 0)),
        View(np.zeros(4, np.float32), (2, 3), (3, 1)),
        View(np.zeros(4, np.float32), (2,), (1,), 3),
        View(np.zeros(4, np.float32), (2,), (-1,), 3),
        View(np.zeros(4, np.float32), (2, 2), (1,)),
        View(np.zeros(4, np.float32), (1.5,), (1,)),
    ],
)
def test_tensor_beyond_its_storage_is_refused(fake: FakeTorch, tmp_path: Path, view: View) -> None:
    with pytest.raises(DlcvError, match="damaged"):
        read_pytorch(fake.write_zip(tmp_path / "w.pt", {"a": view}))


def test_many_tensors_of_one_storage_take_no_more_than_the_file(
    fake: FakeTorch, tmp_path: Path
) -> None:
    numbers = np.zeros(1000, np.float32)
    content = {str(i): View(numbers, (1000,), (1,)) for i in range(100)}

    with pytest.raises(DlcvError, match="larger than its storages"):
        read_pytorch(fake.write_zip(tmp_path / "w.pt", content))


def test_compressed_zip_is_refused(fake: FakeTorch, tmp_path: Path) -> None:
    path = fake.write_zip(tmp_path / "w.pt", state(ARRAYS))
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)

    with pytest.raises(DlcvError, match="compressed"):
        read_pytorch(path)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_bytes_are_read_or_refused(
    fake: FakeTorch, tmp_path: Path, data: st.DataObject
) -> None:
    """Whatever is changed: arrays, or one error; never another one, never a large array."""
    form = data.draw(st.sampled_from(["write_stream", "write_zip"]))
    path = getattr(fake, form)(tmp_path / "w.pth", state(ARRAYS))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] or content)

    try:
        found = read_pytorch(path)
    except DlcvError:
        return
    assert sum(array.nbytes for array in found.values()) <= 4 * len(content)


@pytest.mark.parametrize("new", [False, True])
def test_files_of_pytorch_itself_are_read(tmp_path: Path, new: bool) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save(layer.state_dict(), tmp_path / "w.pth", _use_new_zipfile_serialization=new)

    found = read_pytorch(tmp_path / "w.pth")

    assert found.keys() == layer.state_dict().keys()
    for name, tensor in layer.state_dict().items():
        np.testing.assert_array_equal(found[name], tensor.numpy())


def test_safetensors_are_read_and_damage_is_named(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "w.safetensors"
    numpy.save_file(ARRAYS, path)

    found = read_state_dict(path)

    np.testing.assert_array_equal(found["conv.weight"], ARRAYS["conv.weight"])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DlcvError, match=r"w\.safetensors can't be read as safetensors"):
        read_state_dict(path)


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DlcvError, match=r"no such file with weights: .*none\.pth"):
        read_state_dict(tmp_path / "none.pth")
    (tmp_path / "w.npy").touch()
    with pytest.raises(DlcvError, match=r"their names end in \.pth"):
        read_state_dict(tmp_path / "w.npy")
