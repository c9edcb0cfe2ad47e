"""Files that are whole or not there: whatever operation fails, and whenever the process dies."""

import errno
import fcntl
import itertools
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from faulty_disk import Disk, faults

from dlcv import files
from dlcv.errors import DlcvError, WriteError


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


def stop_after(_: object) -> None:
    raise KeyboardInterrupt


def write_folder(path: Path, content: str, *, force: bool = True) -> None:
    with files.atomic_folder(path, force=force) as folder:
        (folder / "a.txt").write_text(content)
        (folder / "sub").mkdir()
        (folder / "sub" / "b.txt").write_text(content)


def content_of(path: Path) -> set[str]:
    """Returns the contents of the files of a folder that is there with all of its files."""
    found = {str(p.relative_to(path)): p for p in path.rglob("*") if p.is_file()}
    assert sorted(found) == ["a.txt", "sub/b.txt"]
    return {p.read_text() for p in found.values()}


@HOW
def test_a_folder_is_wholly_old_or_new_whatever_fails(path: Path, how: str) -> None:
    aside = path.with_name(".some.txt.old")
    seen = []
    for run in faults(how):
        write_folder(path, "old")
        run(lambda: write_folder(path, "new"))
        # A process that dies between two renames, or can rename nothing, leaves it aside.
        assert path.exists() or (how != "once" and aside.exists())
        seen += content_of(path if path.exists() else aside)
        # Whatever was left behind, the next one cleans up, and keeps what was there.
        with pytest.raises(DlcvError, match="exists already"):
            write_folder(path, "newer", force=False)
        assert content_of(path) == {seen[-1]}
        write_folder(path, "old")
        assert os.listdir(path.parent) == [path.name]
    assert set(seen) == {"old", "new"}
    assert seen[-1] == "new"


@HOW
def test_a_new_folder_is_whole_or_not_there_whatever_fails(path: Path, how: str) -> None:
    seen = []
    for run in faults(how):
        run(lambda: write_folder(path, "new", force=False))
        seen.append(content_of(path) if path.exists() else None)
        write_folder(path, "newer")
        files.remove(path)
    assert None in seen
    assert seen[-1] == {"new"}


def test_all_files_of_a_folder_are_on_disk_before_it_gets_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    write_folder(path, "new")
    renamed = disk.done.index(("replace", ".some.txt.tmp"))
    flushed = {name for operation, name in disk.done[:renamed] if operation == "fsync"}
    assert flushed == {"a.txt", "sub", "b.txt", ".some.txt.tmp"}
    assert disk.done[renamed + 1] == ("fsync", "folder")


def test_an_exception_leaves_nothing_of_a_folder(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.atomic_folder(path) as folder:
        stop_after((folder / "a.txt").write_text("part"))
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling link"])
def test_what_exists_is_replaced_by_force_only(path: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    if kind == "folder":
        path.mkdir()
        (path / "kept.txt").write_text("kept")
    elif kind == "file":
        path.write_text("kept")
    else:
        path.symlink_to(target)
        if kind == "link":
            target.mkdir()
            (target / "kept.txt").write_text("kept")
    with pytest.raises(DlcvError, match=r"exists already; .* or replace it with --force"):
        write_folder(path, "new", force=False)
    write_folder(path, "new")
    assert content_of(path) == {"new"}
    assert not path.is_symlink()
    assert os.listdir(path.parent) == [path.name]
    if kind == "link":
        assert (target / "kept.txt").read_text() == "kept"


def test_a_folder_that_appears_meanwhile_is_not_replaced(path: Path) -> None:
    with pytest.raises(DlcvError, match="exists already"), files.atomic_folder(path):
        path.mkdir()
    assert os.listdir(path.parent) == [path.name]
    assert os.listdir(path) == []


HOLD = """
import sys
from pathlib import Path
from dlcv.files import atomic_folder
with atomic_folder(Path(sys.argv[1])) as folder:
    (folder / "left_over.txt").write_text("part")
    print("inside", flush=True)
    sys.stdin.read()
"""


def test_only_one_process_writes_a_folder_and_its_end_by_force_is_no_harm(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        with pytest.raises(DlcvError, match=r"another process is writing .*some\.txt"):
            write_folder(path, "second")
        process.send_signal(signal.SIGKILL)
    assert not path.exists()
    assert set(os.listdir(path.parent)) == {".some.txt.lock", ".some.txt.tmp"}
    write_folder(path, "third", force=False)
    assert content_of(path) == {"third"}
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


def test_reserved_space_is_there(path: Path) -> None:
    with open(path, "wb") as file:
        files.reserve(file, 1_000_000)
    assert path.stat().st_size == 1_000_000
    assert path.stat().st_blocks * 512 >= 1_000_000


def test_a_disk_that_is_too_small_shows_before_any_work(path: Path) -> None:
    program = (
        "import resource; from dlcv_plugins.storage import reserve; from dlcv.errors import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        f"with open({str(path)!r}, 'wb') as file:\n"
        "    try:\n"
        "        reserve(file, 2_000_000)\n"
        "    except DlcvError as error:\n"
        "        print(error)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.stdout.startswith(f"can't write {path}: file too large (2.0 MB needed, ")


def test_space_that_is_not_there_is_told_before_it_is_needed(path: Path) -> None:
    files.require_space(path.parent, 1)
    with pytest.raises(DlcvError, match=r"1,000,000,000,000 MB are needed in .* are free; make"):
        files.require_space(path.parent, 10**18)


class TestRecords:
    """What tells whether a file is what it was."""

    @pytest.fixture
    def recorded(self, path: Path) -> dict[str, str | int]:
        path.write_bytes(b"abc")
        return files.record(path)

    def test_a_file_with_its_recorded_time_is_taken_as_it_is(
        self, path: Path, recorded: dict[str, str | int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "sha256", None)
        files.check_record(path, recorded)

    def test_a_good_file_gets_its_recorded_time_back(
        self, path: Path, recorded: dict[str, str | int]
    ) -> None:
        os.utime(path, ns=(5, 6))
        files.check_record(path, recorded)
        status = path.stat()
        assert status.st_mtime_ns == recorded["modified_nanoseconds"]
        assert status.st_atime_ns == 5

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"abd", "its content is not what was recorded"), (b"ab", "it has 2 bytes, not the 3")],
    )
    def test_another_content_is_damage_and_keeps_its_time(
        self, path: Path, recorded: dict[str, str | int], content: bytes, message: str
    ) -> None:
        path.write_bytes(content)
        os.utime(path, ns=(5, 6))
        for _ in range(2):
            with pytest.raises(DlcvError, match=f"{path} is damaged: {message}"):
                files.check_record(path, recorded)
        assert path.stat().st_mtime_ns == 6

    def test_damage_behind_the_recorded_time_shows_on_request(
        self, path: Path, recorded: dict[str, str | int]
    ) -> None:
        time = path.stat().st_mtime_ns
        path.write_bytes(b"abd")
        os.utime(path, ns=(time, time))
        files.check_record(path, recorded)
        with pytest.raises(DlcvError, match="is damaged"):
            files.check_record(path, recorded, always=True)


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
