"""`dlcv data verify` through real processes: what is whole, damaged, missing, or unknown."""

import os

import pytest
from forked import dlcv

from dlcv.config import SplitConfig
from dlcv_plugins.commands.data.pack.pack import pack


def verify(folder, path, *options):
    return dlcv("data", "verify", path, *options, folder=folder)


@pytest.fixture
def packed(photos, tmp_path):
    source, out = str(photos()), tmp_path / "packed"
    pack(source, out, preprocessors="aspect_aware(size=16)", split=SplitConfig(), mean_image=True)
    return out


def states(done):
    """The state of each file, by name."""
    rows = done.stdout.split("\n\n")[0].splitlines()
    assert rows[0].split() == ["file", "state"]
    return {name: state for name, _, state in (row.partition("  ") for row in rows[1:])}


def flip_a_bit(path, at=-70_000):
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    times = path.stat()
    path.write_bytes(content)
    # As on a failing disk: nothing but the content tells.
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_whole_data_set_passes(packed, tmp_path):
    done = verify(tmp_path, "packed")
    assert (done.returncode, done.stderr) == (0, "")
    found = {name: state.strip() for name, state in states(done).items()}
    assert found == dict.fromkeys(["mean_image.npz", "test.hdf5", "train.hdf5", "val.hdf5"], "good")
    assert done.stdout.splitlines()[-2:] == [
        "all files are as they were packed",
        "train  dlcv run --data packed",
    ]


def test_a_damaged_file_is_named_and_the_code_is_1(packed, tmp_path):
    flip_a_bit(packed / "train.hdf5", at=100)
    flip_a_bit(packed / "val.hdf5")
    done = verify(tmp_path, "packed")
    assert done.returncode == 1
    found = {name: state.strip() for name, state in states(done).items()}
    assert found["train.hdf5"] == found["val.hdf5"] == "damaged"
    assert found["test.hdf5"] == "good"
    lines = done.stderr.splitlines()
    assert [line.split()[1] for line in lines] == ["packed/train.hdf5", "packed/val.hdf5"]
    assert all("is damaged: its content is not what was recorded" in line for line in lines)
    assert done.stdout.splitlines()[-1].startswith("train.hdf5, val.hdf5: not as packed; copy it")


def test_a_file_that_is_cut_off_is_named_with_its_size(packed, tmp_path):
    size = (packed / "test.hdf5").stat().st_size
    os.truncate(packed / "test.hdf5", 1000)
    done = verify(tmp_path, "packed")
    assert done.returncode == 1
    assert f"test.hdf5 is damaged: it has 1000 bytes, not the {size} that were" in done.stderr


def test_missing_and_unrecorded_files_are_named(packed, tmp_path):
    (packed / "val.hdf5").unlink()
    (packed / "notes.txt").write_text("mine")
    done = verify(tmp_path, "packed")
    assert done.returncode == 1
    found = {name: state.strip() for name, state in states(done).items()}
    assert found["val.hdf5"] == "missing"
    assert found["notes.txt"] == "not recorded, so not checked"
    assert "val.hdf5: not as packed" in done.stdout


def test_files_of_one_s_own_beside_the_data_do_no_harm(packed, tmp_path):
    (packed / "notes.txt").write_text("mine")
    assert verify(tmp_path, "packed").returncode == 0


def test_a_file_that_can_not_be_read_is_named(packed, tmp_path):
    (packed / "val.hdf5").unlink()
    (packed / "val.hdf5").mkdir()
    done = verify(tmp_path, "packed")
    assert done.returncode == 1
    assert "val.hdf5" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "nothing does not exist; name the folder that `dlcv data build`"),
        (lambda path: path.write_text(""), "nothing is not a folder; name the folder"),
        (lambda path: path.mkdir(), "nothing is not a packed data set: it has no dataset.toml"),
        (lambda path: describe(path, "no TOML"), "dataset.toml: "),
        (lambda path: describe(path, ""), "dataset.toml records no checksums"),
        (lambda path: describe(path, "files = 3"), "records no checksums"),
        (lambda path: describe(path, "[files]"), "records no checksums"),
        (lambda path: describe(path, "[files.x]\nsha256 = 3"), "records no checksums"),
        (
            lambda path: describe(path, '[files."../../etc/passwd"]\nsha256 = "x"'),
            "records no checksums",
        ),
    ],
)  # fmt: skip
def test_what_is_no_packed_data_set_is_one_line_and_code_2(tmp_path, make, message):
    make(tmp_path / "nothing")
    done = verify(tmp_path, "nothing")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("dlcv: ")
    assert message in done.stderr


def describe(folder, text):
    folder.mkdir()
    (folder / "dataset.toml").write_text(text)


def test_help_has_an_example_and_lists_the_codes(tmp_path):
    done = verify(tmp_path, "--help")
    assert "dlcv data verify packed/" in done.stdout
    assert "Exit codes: 0 all files are as they were packed, 1 " in done.stdout
