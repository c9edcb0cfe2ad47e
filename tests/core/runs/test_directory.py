"""The directory of a run: made where there is room for it, and replaced without a loss."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_disk import faults

from dlcv import files
from dlcv.errors import DlcvError
from dlcv.runs.directory import RunDirectory


def create(runs: Path, name: str | None = None, *, force: bool = False) -> RunDirectory:
    with RunDirectory.being_made(runs, name, "net-data", force=force) as (_, directory):
        directory.appear()
    return directory


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with a run named `old`."""
    (tmp_path / "runs" / "old").mkdir(parents=True)
    (tmp_path / "runs" / "old" / "run.toml").write_text("old")
    return tmp_path / "runs"


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_names_are_numbered(tmp_path: Path) -> None:
    made = [create(tmp_path / "a" / "runs").path.name for _ in range(2)]

    assert made == ["net-data-1", "net-data-2"]


@pytest.mark.parametrize("is_folder", [True, False])
@pytest.mark.parametrize("name", [None, "new"])
def test_latest_that_is_no_link_is_refused(runs: Path, name: str | None, is_folder: bool) -> None:
    (runs / "latest").mkdir() if is_folder else (runs / "latest").write_text("mine")

    with pytest.raises(DlcvError, match="runs/latest is in the way"):
        create(runs, name)
    assert names(runs) == ["latest", "old"]


@pytest.mark.parametrize("name", [None, "new"])
@pytest.mark.parametrize("below", [".", "deeper/still"])
def test_file_in_place_of_the_folder_of_runs_is_named(
    tmp_path: Path, name: str | None, below: str
) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(DlcvError, match=r"/file is no folder, so there can be no runs in it"):
        RunDirectory.refuse_existing(tmp_path / "file" / below, name, force=False)


def test_link_to_nowhere_in_place_of_the_folder_of_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to("nowhere")

    with pytest.raises(DlcvError, match=r"can't make a run in .*/runs: File exists"):
        create(tmp_path / "runs")


def test_run_is_replaced_on_request_only(runs: Path) -> None:
    with pytest.raises(DlcvError, match="runs/old exists already"):
        create(runs, "old")
    assert names(runs / "old") == ["run.toml"]

    new = create(runs, "old", force=True)
    assert new.path == runs / "old"
    assert names(new.path) == []

    # What is replaced is kept until there is something in its place.
    new.settle()
    assert (new.replaced / "run.toml").read_text() == "old"
    add_checkpoint(new)
    new.settle()
    assert names(runs) == ["old"]


def add_checkpoint(directory: RunDirectory) -> None:
    directory.checkpoints.mkdir()
    (directory.checkpoints / "epoch_0001_step_000000005_stage_1.checkpoint").touch()


def test_run_that_comes_to_nothing_gives_its_place_back(runs: Path) -> None:
    new = create(runs, "old", force=True)
    latest = new.point_latest_here()
    (new.path / "run.toml").write_text("new")
    (new.path / "checkpoints").mkdir()
    new.discard(latest)

    assert names(runs) == ["old"]
    assert (runs / "old" / "run.toml").read_text() == "old"


def test_latest_stays_where_another_run_has_begun_since(runs: Path) -> None:
    first = create(runs, "first")
    before = first.point_latest_here()
    create(runs, "second").point_latest_here()

    first.discard(before)

    assert os.readlink(runs / "latest") == "second"


def test_a_finished_run_without_checkpoints_replaces_for_good(runs: Path) -> None:
    new = create(runs, "old", force=True)
    (new.path / "metrics.json").write_text("{}")

    new.settle()

    assert names(runs) == ["old"]


def test_a_hidden_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".photos.old").mkdir()
    (tmp_path / ".photos.old" / "mine").touch()

    with pytest.raises(DlcvError, match="no such run: "):
        RunDirectory.existing(tmp_path / "photos")
    assert names(tmp_path) == [".photos.old"]


@pytest.mark.parametrize("path", ["", ".", "/", "..", "./"])
def test_a_folder_without_a_name_of_its_own_is_no_run(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DlcvError, match=r"is no run: it holds no run\.toml"):
        RunDirectory.existing(path)


def test_the_folder_that_one_is_in_may_be_the_run(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs / "old")
    assert RunDirectory.existing(".").path == runs / "old"


@pytest.mark.parametrize(("trained", "kept"), [(False, "old"), (True, "new")])
def test_run_whose_successor_was_killed_is_kept_unless_that_had_a_checkpoint(
    runs: Path, trained: bool, kept: str
) -> None:
    killed = create(runs, "old", force=True)
    (killed.path / "run.toml").write_text("new")
    if trained:
        add_checkpoint(killed)

    third = create(runs, "old", force=True)

    assert (third.replaced / "run.toml").read_text() == kept
    assert names(third.path) == []


def test_run_whose_successor_is_gone_is_back(runs: Path) -> None:
    create(runs, "old", force=True).path.rmdir()

    with pytest.raises(DlcvError, match="runs/old exists already"):
        create(runs, "old")
    assert (runs / "old" / "run.toml").read_text() == "old"


def test_run_is_kept_where_the_new_one_can_not_be_made(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def fail(path: Path, *arguments: object, **options: object) -> None:
        if path.name == ".old.new":
            raise OSError(28, "No space left on device")
        make(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", fail)

    with pytest.raises(DlcvError, match=r"can't make a run in .*: No space left on device"):
        create(runs, "old", force=True)
    assert names(runs) == ["old"]
    assert (runs / "old" / "run.toml").read_text() == "old"


def test_run_that_is_written_is_not_replaced(runs: Path) -> None:
    with (
        RunDirectory(runs / "old").lock(),
        pytest.raises(DlcvError, match="another process is writing"),
    ):
        create(runs, "old", force=True)
    assert (runs / "old" / "run.toml").read_text() == "old"


@pytest.mark.parametrize("what", ["folder", "file", "link to a run", "link to nowhere"])
def test_what_is_no_run_is_never_replaced(runs: Path, what: str) -> None:
    path = runs / "other"
    if what == "folder":
        path.mkdir()
    elif what == "file":
        path.write_text("mine")
    else:
        path.symlink_to("old" if what == "link to a run" else "nowhere")

    with pytest.raises(DlcvError, match="runs/other is no run, so it is not replaced"):
        create(runs, "other", force=True)
    assert os.path.lexists(path)
    assert (runs / "old" / "run.toml").exists()


def content(path: Path) -> str | None:
    """What a run's directory holds; None where there is no run."""
    try:
        return RunDirectory.existing(path).config.read_text()
    except DlcvError:
        return None


@pytest.mark.parametrize("exists", [False, True])
def test_a_kill_while_a_run_is_made_leaves_a_whole_run_or_none(
    tmp_path: Path, exists: bool
) -> None:
    """After each a run that was there is there, and the same command makes the new one."""

    def make(runs: Path) -> Callable[[], None]:
        def act() -> None:
            with RunDirectory.being_made(runs, "net", "net-data", force=exists) as (hidden, new):
                hidden.config.write_text("new")
                new.appear()
                new.point_latest_here()

        return act

    ends = set()
    for number, fault in enumerate(faults("killed")):
        runs = tmp_path / f"runs{number}"
        runs.mkdir()
        if exists:
            (runs / "net").mkdir()
            (runs / "net" / "run.toml").write_text("old")
        fault(make(runs))

        found = content(runs / "net")
        assert found in (("old", "new") if exists else (None, "new"))
        ends.add(found)
        if found == "new":
            aside = RunDirectory(runs / "net").replaced
            assert not exists or (aside / "run.toml").read_text() == "old"
        with RunDirectory.being_made(runs, "net", "", force=found is not None) as (hidden, again):
            hidden.config.write_text("again")
            again.appear()
        assert content(runs / "net") == "again"
    assert ends == {"old" if exists else None, "new"}


def test_a_kill_while_a_run_is_discarded_leaves_the_run_that_it_replaced(tmp_path: Path) -> None:
    for number, fault in enumerate(faults("killed")):
        runs = tmp_path / f"runs{number}"
        (runs / "net").mkdir(parents=True)
        (runs / "net" / "run.toml").write_text("old")
        with RunDirectory.being_made(runs, "net", "", force=True) as (hidden, new):
            for name in ("run.toml", "labels.json", "environment.json"):
                (hidden.path / name).write_text("new")
            new.appear()
            latest = new.point_latest_here()
        fault(lambda new=new, latest=latest: new.discard(latest))

        if content(runs / "net") == "new":
            assert (new.replaced / "run.toml").read_text() == "old"
        else:
            assert content(runs / "net") == "old"


def test_a_kill_while_latest_is_made_leaves_nothing_beside_the_runs(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = create(runs, "new")

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            new.point_latest_here()
    assert sorted(os.listdir(runs)) == ["new", "old"]
    files.sweep(new.path)
    assert os.listdir(new.path) == []
    new.point_latest_here()
    assert os.readlink(runs / "latest") == "new"


def test_what_a_killed_export_left_is_swept_away(runs: Path) -> None:
    (runs / "old" / ".onnx.tmp").mkdir()
    (runs / "old" / ".onnx.tmp" / "model.onnx").touch()
    (runs / "old" / ".model.keras.tmp").touch()
    files.sweep(runs / "old")
    assert names(runs / "old") == ["run.toml"]


def test_a_file_system_without_links_has_runs_and_no_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As memory sticks and some network drives are."""
    caplog.set_level("INFO", "dlcv")

    def refuse(path: Path, target: str) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    directory = create(tmp_path, "one")

    assert directory.point_latest_here() is None
    assert names(tmp_path) == ["one"]
    assert caplog.messages == [
        f"the file system of {tmp_path} has no links, so there is no {tmp_path}/latest"
    ]


def test_a_number_that_another_process_is_making_is_left_out(tmp_path: Path) -> None:
    with RunDirectory.being_made(tmp_path, None, "net", force=False) as (_, first):
        assert create_numbered(tmp_path) == "net-2"
        first.appear()
    assert create_numbered(tmp_path) == "net-3"


def create_numbered(runs: Path) -> str:
    with RunDirectory.being_made(runs, None, "net", force=False) as (_, directory):
        directory.appear()
    return directory.path.name


def test_a_run_that_is_made_is_locked_until_it_is_done(tmp_path: Path) -> None:
    with RunDirectory.being_made(tmp_path, "net", "net", force=False) as (_, directory):
        directory.appear()
        with (
            pytest.raises(DlcvError, match="another process is writing"),
            RunDirectory(tmp_path / "net").lock(),
        ):
            pass
    assert list((tmp_path / "net").iterdir()) == []
    with RunDirectory(tmp_path / "net").lock():
        pass


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\u202eb", "a/b", ".hidden", "", "a\0b"])
def test_a_name_that_garbles_a_terminal_or_is_no_file_name_is_refused(
    runs: Path, name: str
) -> None:
    with pytest.raises(DlcvError, match="can't be the name of a run") as caught:
        create(runs, name)
    assert str(caught.value).isprintable()
    assert os.listdir(runs) == ["old"]
