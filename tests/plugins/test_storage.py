"""Folders that are whole or not there, room on a disk, and records of what a file holds."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_disk import Disk, faults

from dlcv import files
from dlcv.errors import DlcvError
from dlcv_plugins import storage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where tests write, in a folder of its own."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "some.txt"


HOW = pytest.mark.parametrize("how", ["once", "always", "killed"])


def stop_after(_: object) -> None:
    raise KeyboardInterrupt


def write_folder(path: Path, content: str, *, force: bool = True) -> None:
    with storage.atomic_folder(path, force=force) as folder:
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
    with pytest.raises(KeyboardInterrupt), storage.atomic_folder(path) as folder:
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
    with pytest.raises(DlcvError, match="exists already"), storage.atomic_folder(path):
        path.mkdir()
    assert os.listdir(path.parent) == [path.name]
    assert os.listdir(path) == []


HOLD = """
import sys
from pathlib import Path
from dlcv_plugins.storage import atomic_folder
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


def test_reserved_space_is_there(path: Path) -> None:
    with open(path, "wb") as file:
        storage.reserve(file, 1_000_000)
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
    storage.require_space(path.parent, 1)
    with pytest.raises(DlcvError, match=r"1,000,000,000,000\.0 MB are needed in .* are free; make"):
        storage.require_space(path.parent, 10**18)


class TestRecords:
    """What tells whether a file is what it was."""

    @pytest.fixture
    def recorded(self, path: Path) -> dict[str, str | int]:
        path.write_bytes(b"abc")
        return storage.record(path)

    def test_a_file_with_its_recorded_time_is_taken_as_it_is(
        self, path: Path, recorded: dict[str, str | int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "sha256", None)
        storage.check_record(path, recorded)

    def test_a_good_file_gets_its_recorded_time_back(
        self, path: Path, recorded: dict[str, str | int]
    ) -> None:
        os.utime(path, ns=(5, 6))
        storage.check_record(path, recorded)
        status = path.stat()
        assert status.st_mtime_ns == recorded["modified_nanoseconds"]
        assert status.st_atime_ns == 5

    def test_a_recorded_time_that_no_file_can_have_is_passed_over(
        self, path: Path, recorded: dict[str, str | int]
    ) -> None:
        storage.check_record(path, {**recorded, "modified_nanoseconds": 2**90})

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
                storage.check_record(path, recorded)
        assert path.stat().st_mtime_ns == 6

    def test_damage_behind_the_recorded_time_shows_on_request(
        self, path: Path, recorded: dict[str, str | int]
    ) -> None:
        time = path.stat().st_mtime_ns
        path.write_bytes(b"abd")
        os.utime(path, ns=(time, time))
        storage.check_record(path, recorded)
        with pytest.raises(DlcvError, match="is damaged"):
            storage.check_record(path, recorded, always=True)
