"""Files that are whole or not there: whatever operation fails, and whenever the process dies."""

import errno
import fcntl
import importlib.util
import io
import itertools
import os
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from faulty_disk import Disk, faults

from dlcv import files
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, WriteError
from dlcv.runs.directory import RunDirectory
from dlcv.training import checkpoints
from dlcv.training.history import read_csv


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where tests write, in a folder of its own."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "some.txt"


HOW = pytest.mark.parametrize("how", ["once", "always", "killed"])


@HOW
def test_a_file_is_wholly_old_or_new_whatever_fails(path: Path, how: str) -> None:
    seen = []
    for run in faults(how):
        path.write_text("the old content")
        run(lambda: files.write_atomically(path, "the new content"))
        seen.append(path.read_text())
        if how == "once":
            assert os.listdir(path.parent) == [path.name]
    # Write, flush, rename and flush of the folder; each of them failed.
    assert seen == ["the old content"] * 3 + ["the new content"] * 2


@HOW
def test_a_new_file_is_whole_or_not_there_whatever_fails(path: Path, how: str) -> None:
    seen = []
    for run in faults(how):
        path.unlink(missing_ok=True)
        run(lambda: files.write_atomically(path, b"the new content"))
        seen.append(path.read_bytes() if path.exists() else None)
    assert seen == [None] * 3 + [b"the new content"] * 2


def test_processes_of_one_number_in_two_containers_use_other_names(path: Path) -> None:
    spec = importlib.util.find_spec("dlcv.files")
    assert spec is not None
    assert spec.loader is not None
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    name = files.temporary_path(path)
    assert elsewhere.temporary_path(path) != name
    assert files.final_path(name) == path


def test_the_content_is_on_disk_before_it_gets_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    monkeypatch.setattr(files, "_counter", itertools.count(7))
    files.write_atomically(path, "content")
    temporary = f".some.{os.getpid()}-7.tmp.txt"
    assert disk.done == [
        ("write", temporary),
        ("fsync", temporary),
        ("replace", temporary),
        ("fsync", "folder"),
    ]


def stop_after(_: object) -> None:
    raise KeyboardInterrupt


def test_the_block_that_writes_may_fail(path: Path) -> None:
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), files.atomic_path(path) as temporary:
        stop_after(temporary.write_text("ne"))
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == [path.name]


def test_a_block_that_writes_nothing_is_an_error(path: Path) -> None:
    path.write_text("old")
    with pytest.raises(WriteError, match="no such file"), files.atomic_path(path):
        pass
    assert path.read_text() == "old"


def test_a_full_disk_keeps_the_old_file(path: Path) -> None:
    path.write_text("old")
    program = (
        "import resource; from dlcv.files import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        f"write_atomically(Path({str(path)!r}), bytes(1_000_000))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"can't write {path}: file too large (1.0 MB needed, " in ended.stderr
    assert "MB free); the file that was there is kept; free some space" in ended.stderr
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == [path.name]


def test_what_a_full_disk_stops_is_named_by_its_final_name(path: Path) -> None:
    def fill(temporary: Path) -> None:
        temporary.write_bytes(bytes(3_000_000))
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(WriteError) as caught,
        files.atomic_folder(path.parent / "packed") as folder,
        files.atomic_path(folder / "train.hdf5") as temporary,
    ):
        fill(temporary)
    assert caught.value.errno == errno.ENOSPC
    message = str(caught.value)
    assert message.startswith(f"can't write {path.parent}/packed/train.hdf5: no space left on")
    assert "(over 3.0 MB needed, " in message
    assert "tmp" not in message.replace(str(path.parent), "")
    assert os.listdir(path.parent) == []


def test_a_folder_that_may_not_be_written_shows_no_temporary_name(path: Path) -> None:
    missing = path.parent / "missing" / "some.txt"
    with pytest.raises(WriteError, match=f"can't write {missing}: no such file or directory; "):
        files.write_atomically(missing, "content")


def test_errors_about_other_files_stay_as_they_are(path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.atomic_path(path) as temporary:
        temporary.write_text((path.parent / "source").read_text())


def test_what_the_system_refuses_names_the_file_as_it_is_called_in_the_end() -> None:
    refused = PermissionError(errno.EACCES, "Permission denied", "runs/.r.new/.run.12-3.tmp.toml")
    assert files.failure(refused) == (
        "can't use runs/r/run.toml: permission denied; mend it, then run the command again"
    )
    linked = OSError(errno.ENOSPC, "No space left on device", "base", None, "runs/.latest.12-3.tmp")
    assert files.failure(linked).startswith("can't use runs/latest: no space left on device")
    assert files.failure(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    assert files.failure(OSError(errno.ENOSPC, "No space left on device")) == (
        f"no space left on device for the output or temporary files ({tempfile.gettempdir()}); "
        "free some space, then run the command again"
    )
    assert files.failure(DlcvError("a is not b")) == "a is not b"


def test_what_can_not_be_read_is_named_as_it_is_called_in_the_end(tmp_path: Path) -> None:
    making = tmp_path / ".r.new"
    making.mkdir()
    for name, read in (
        ("preprocessing.npz", files.load_arrays),
        ("environment.json", lambda path: RunDirectory(path.parent).read_json("environment")),
        ("run.toml", RunConfig.load),
    ):
        (making / name).mkdir()
        with pytest.raises(DlcvError, match=f"can't read {tmp_path}/r/{name}: Is a directory"):
            read(making / name)


def test_a_flush_that_fails_names_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch()
    monkeypatch.setattr(os, "fsync", lambda _: os.open("/nowhere/at/all", os.O_RDONLY))
    with pytest.raises(OSError, match=str(path)):
        files.flush(path)


def test_a_folder_that_can_not_be_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "val.hdf5").touch()

    def refuse(name: str, **_: object) -> None:
        raise OSError(errno.EIO, "Input/output error", name)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(OSError, match="output error") as caught:
        files.remove(tmp_path / "folder")
    assert caught.value.filename == str(tmp_path / "folder")


def test_threads_that_write_one_file_do_not_meet(path: Path) -> None:
    barrier = threading.Barrier(8)
    failed = []

    def write(content: str) -> None:
        try:
            with files.atomic_path(path) as temporary:
                temporary.write_text(content)
                barrier.wait()
        except Exception as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(str(i) * 9,)) for i in range(8)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert not failed
    assert path.read_text() in {str(i) * 9 for i in range(8)}
    assert os.listdir(path.parent) == [path.name]


def test_a_lock_is_refused_while_it_is_held_and_free_after(path: Path) -> None:
    with (
        files.lock(path, "refused"),
        pytest.raises(DlcvError, match=r"^refused$"),
        files.lock(path, "refused"),
    ):
        pass
    assert not path.exists()
    with pytest.raises(KeyError), files.lock(path, "refused"):
        raise KeyError
    with files.lock(path, "refused"):
        assert path.exists()


@pytest.mark.parametrize("others", [0, 1])
def test_a_lock_is_refused_whose_name_is_gone_by_then(
    path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """Between opening the file and locking it, its holder may end and others may make it anew."""
    lock_now = fcntl.flock

    def lock_late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock_now)
        holder.close()
        for _ in range(others):
            holder.enter_context(files.lock(path, "refused"))
        lock_now(descriptor, operation)

    with ExitStack() as holder:
        holder.enter_context(files.lock(path, "refused"))
        monkeypatch.setattr(fcntl, "flock", lock_late)
        with pytest.raises(DlcvError, match=r"^refused$"), files.lock(path, "refused"):
            pass
        assert path.exists() is bool(others)


def test_a_lock_is_no_pipe_and_no_link_to_another_file(path: Path) -> None:
    """As in a folder that somebody else packed."""
    os.mkfifo(path)
    with (
        pytest.raises(OSError, match=r"No such device or address|a pipe or device"),
        files.lock(path, "refused"),
    ):
        pass
    path.unlink()
    path.symlink_to("elsewhere")
    with pytest.raises(OSError, match="symbolic links") as caught, files.lock(path, "refused"):
        pass
    assert caught.value.filename == str(path.parent)
    assert not (path.parent / "elsewhere").exists()


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_what_may_never_end_is_not_read(path: Path, what: str) -> None:
    os.mkfifo(path) if what == "pipe" else path.symlink_to("/dev/zero")
    for read in (files.read, files.load_arrays, files.sha256, checkpoints.load, read_csv):
        with pytest.raises((DlcvError, OSError), match="a pipe or device, not a regular file"):
            read(path)
    path.rename(path.with_name("metrics.json"))
    with pytest.raises(DlcvError, match=r"metrics.json: a pipe or device, not a regular file"):
        RunDirectory(path.parent).read_json("metrics")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_worth_one_warning(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    """As network drives are that were mounted without them."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(files, "_without_locks", set())
    for _ in range(2):
        with files.lock(path, "refused"):
            assert path.exists()
        assert not path.exists()
    assert caplog.messages == [
        f"the file system of {path.parent} has no locks; let no two processes write there at once"
    ]


def test_a_folder_that_a_network_drive_can_not_flush_is_no_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush_now = os.fsync

    def flush_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush_now(descriptor)

    monkeypatch.setattr(os, "fsync", flush_files_only)
    files.write_atomically(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("at", range(4))
def test_what_the_system_can_not_read_is_not_told_as_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Zipfile reports a disk that fails while it looks for the archive's end as damage."""
    path = path.with_suffix(".npz")
    files.save_arrays(path, {"a": np.arange(9)})

    class Failing(io.FileIO):
        reads = 0

        def read(self, *size: int) -> bytes:
            self.reads += 1
            if self.reads > at:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(*size)

    monkeypatch.setattr(files, "open", Failing, raising=False)
    with pytest.raises(DlcvError, match=rf"^can't read {path}: Input/output error$"):
        files.load_arrays(path)


def test_the_checksum_of_large_files_is_sha256sum_s(path: Path) -> None:
    path.write_bytes(os.urandom(3 * files.HASHED_AT_ONCE + 1))
    done = subprocess.run(["sha256sum", path], capture_output=True, text=True)
    assert files.sha256(path) == done.stdout.split()[0]


def test_the_checksum_is_sha256(path: Path) -> None:
    path.write_bytes(b"abc")
    # From FIPS 180-2, appendix B.1.
    assert files.sha256(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_arrays_take_no_more_memory_than_their_file(tmp_path):
    import io
    import tracemalloc
    import zipfile

    import numpy as np

    path = tmp_path / "arrays.npz"
    whole = np.zeros(5 * 10**7, np.float32)
    packed = io.BytesIO()
    np.savez_compressed(packed, mean=whole)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"shape": (10**9,), "fortran_order": False, "descr": "<f4"}
    )
    false = io.BytesIO()
    with zipfile.ZipFile(false, "w") as archive:
        archive.writestr("mean.npy", header.getvalue() + bytes(100))
    for content, reason in ((packed, "compressed"), (false, "not of the size")):
        path.write_bytes(content.getvalue())
        tracemalloc.start()
        with pytest.raises(DlcvError, match=f"is damaged: .*{reason}"):
            files.load_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()
    given = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array("text"), "c": np.zeros((0, 2))}
    files.save_arrays(path, given)
    for name, array in files.load_arrays(path).items():
        np.testing.assert_array_equal(array, given[name])
