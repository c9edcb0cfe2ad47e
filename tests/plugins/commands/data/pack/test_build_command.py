"""`dlcv data build` through real processes: its words, its codes, and its sudden ends."""

import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import h5py
import pytest
from forked import dlcv

DLCV = [sys.executable, "-m", "dlcv"]


def build(folder, *arguments):
    return dlcv("data", "build", *arguments, folder=folder)


def build_anew(folder, *arguments, **options):
    return subprocess.run(
        [*DLCV, "data", "build", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def test_it_packs_says_what_it_did_and_what_to_do_next(photos, tmp_path):
    photos(count=20)
    done = build(tmp_path, "photos", "--out", "packed", "--size", "24", "--threads", "2")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["split", "images", "megabytes"]
    assert [line[:2] for line in lines[1:4]] == [["train", "42"], ["val", "6"], ["test", "12"]]
    assert float(lines[1][2]) == pytest.approx(42 * 24 * 24 * 3 / 1e6, abs=0.08)
    assert lines[-1] == ["train", "dlcv", "run", "--data", "packed"]
    assert "photos: recognized as folder" in done.stderr
    with h5py.File(tmp_path / "packed" / "train.hdf5") as file:
        assert file["images"].shape == (42, 24, 24, 3)


def test_options_reach_the_description(photos, tmp_path):
    photos()
    done = build(
        tmp_path, "photos", "--out", "a/b/packed", "--preproc", "simple(size=(8, 9))",
        "--test", "6", "--validation", "0.2", "--seed", "5", "--quiet",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "a/b/packed\n")
    (warning,) = done.stderr.splitlines()
    assert warning.startswith('warning: "blue" has 6 training and 2 validation images; at least')
    found = tomllib.loads((tmp_path / "a/b/packed/dataset.toml").read_text())
    assert found["image_shape"] == [8, 9, 3]
    assert found["split"] == {
        "test": 6,
        "validation": 0.2,
        "small_classes": "train",
        "groups": "duplicates",
        "method": "stratified",
        "seed": 5,
    }
    assert found["images"] == {"train": 18, "val": 6, "test": 6}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos", "--out", "packed"], "the images differ in size; choose one with --size"),
        (
            ["photos", "--out", "packed", "--size", "8", "--preproc", "simple(size=8)"],
            "use --size, or --preproc",
        ),
        (["photo", "--out", "packed", "--size", "8"], "no such file or folder: photo"),
        (["photos", "--out", "photos", "--size", "8"], "photos exists already"),
        (["photos", "--out", "photos", "--size", "8", "--force"], "is not a packed data set"),
        (["photos", "--out", "packed", "--preproc", "mean"], "mean runs in the network"),
        (["photos", "--out", "packed", "--preproc", "aspect_aware"], "aspect_aware has no size"),
        (["photos", "--out", "packed", "--size", "8", "--test", "29"], "test would have 29 of 30"),
        (["photos", "--out", "packed", "--size", "8", "--test", "x"], "--test: expected"),
        (["photos/red", "--out", "packed", "--size", "8"], "no data set is recognized there"),
        (["photos", "--out", "photos/red/000.png/x", "--size", "8"], "photos/red/000.png"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_leave_nothing(photos, tmp_path, arguments, message):
    photos()
    done = build(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("dlcv: ")
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_images_of_one_size_need_none_and_small_classes_are_trained_with(photos, tmp_path):
    root = photos(size=(6, 5), classes=("red", "green"))
    (root / "none").mkdir()
    (root / "one").mkdir()
    shutil.copy(root / "red" / "000.png", root / "one")
    done = build(tmp_path, "photos", "--out", "packed")
    assert done.returncode == 0, done.stderr
    found = tomllib.loads((tmp_path / "packed" / "dataset.toml").read_text(encoding="utf-8"))
    assert found["image_shape"] == [6, 5, 3]
    assert found["images_by_class"]["train"] == {"green": 7, "one": 1, "red": 7}
    assert found["images_by_class"]["test"] == {"green": 2, "one": 0, "red": 2}
    assert "warning: left out, for having too few images: none (0 images)" in done.stderr
    assert "training alone, with too few images to be divided: one (1 image)" in done.stderr


def test_a_bad_image_is_named_or_left_out_and_counted(photos, tmp_path):
    root = photos()
    (root / "red" / "003.png").write_bytes(b"")
    done = build(tmp_path, "photos", "--out", "packed", "--size", "8")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "dlcv: photos/red/003.png: is empty; remove the image, or leave"
    )
    done = build(tmp_path, "photos", "--out", "packed", "--size", "8", "--bad-images", "skip")
    assert done.returncode == 0
    assert "warning: unreadable images are left out: 1" in done.stderr
    found = tomllib.loads((tmp_path / "packed" / "dataset.toml").read_text())
    assert found["skipped"] == [f"{root}/red/003.png: is empty"]


def test_a_full_disk_is_one_line_and_leaves_nothing(photos, tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    photos()
    done = build_anew(tmp_path, "photos", "--out", "packed", "--size", "200", preexec_fn=limit)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("dlcv: can't write ")
    # 21 training images of 200 x 200 x 3 bytes, and some 1.07 MB for what describes them.
    assert "file too large (3.6 MB needed, " in done.stderr.splitlines()[-1]
    assert ".tmp" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.mark.parametrize(
    ("size", "arguments", "message"),
    [
        ("3m", "--size 400", " MB are needed in disk, where 3.1 MB are free; make room, or choose"),
        ("3m", "--size 150", "can't write disk/packed/test.hdf5: no space left on device ("),
        ("5500k", "--size 220 --mean-image", "no space left on device ("),
    ],
    ids=["too small for all", "too small for the last split", "too small for the mean image"],
)
def test_a_disk_that_is_really_full_is_one_line_and_leaves_nothing(
    photos, tmp_path, size, arguments, message
):
    photos()
    (tmp_path / "disk").mkdir()
    own_disk = f"mount -t tmpfs -o size={size} none disk"
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*unshare, own_disk], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("this system lets tests mount no disk of their own")
    command = f"{own_disk}; {DLCV[0]} -m dlcv data build photos --out disk/packed {arguments}"
    done = subprocess.run(
        [*unshare, f"{command}; echo code $?; ls -A disk"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "code 2\n"
    assert done.stderr.splitlines()[-1].startswith("dlcv: ")
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


MANY = 300
"""Images a class, so that packing takes longer than noticing that it began."""


class SlowBuild:
    """A build that is held in the midst of packing."""

    def __init__(self, root, folder):
        command = [*DLCV, "data", "build", root, "--out", "packed", "--size", "8"]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(30_000):
            if list(folder.glob(".packed.tmp/.*.hdf5")):
                self.process.send_signal(signal.SIGSTOP)
                return
            time.sleep(0.001)
        raise AssertionError("packing did not begin")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
        return self.process.communicate(timeout=60)[1]

    def end(self, number):
        self.process.send_signal(number)
        return self.go_on()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_build_that_is_ended_leaves_nothing_under_its_name(photos, tmp_path, number, code):
    root = photos(count=MANY)
    slow = SlowBuild(root, tmp_path)
    errors = slow.end(number)
    assert slow.process.returncode == code
    assert "Traceback" not in errors
    left = sorted(path.name for path in tmp_path.iterdir())
    if number != signal.SIGKILL:
        assert errors.splitlines()[-1] == "dlcv: stopped"
        assert left == ["photos"]
    assert [name for name in left if not name.startswith(".")] == ["photos"]
    done = build(tmp_path, "photos", "--out", "packed", "--size", "8")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "photos"]


def test_two_builds_into_one_place_at_once_do_not_mix(photos, tmp_path):
    slow = SlowBuild(photos(count=MANY), tmp_path)
    photos(name="other")
    second = build(tmp_path, "other", "--out", "packed", "--size", "9")
    assert second.returncode == 2
    assert second.stderr.splitlines()[-1] == "dlcv: another process is writing packed"
    errors = slow.go_on()
    assert slow.process.returncode == 0, errors
    found = tomllib.loads((tmp_path / "packed" / "dataset.toml").read_text())
    assert found["image_shape"] == [8, 8, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "packed", "photos"]


def test_of_builds_that_start_together_one_wins(photos, tmp_path):
    photos()
    builds = [
        subprocess.Popen(
            [*DLCV, "data", "build", "photos", "--out", "packed", "--size", str(size), "--quiet"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for size in (7, 8, 9)
    ]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in builds]
    assert sorted(code for *_, code in ended) == [0, 2, 2]
    for _, errors, code in ended:
        if code:
            last = errors.splitlines()[-1]
            assert last == "dlcv: another process is writing packed" or "exists already" in last
            assert "Traceback" not in errors
    winner = next(7 + number for number, (*_, code) in enumerate(ended) if code == 0)
    found = tomllib.loads((tmp_path / "packed" / "dataset.toml").read_text())
    assert found["image_shape"] == [winner, winner, 3]
    for split in ("train", "val", "test"):
        with h5py.File(tmp_path / "packed" / f"{split}.hdf5") as file:
            assert file["images"].shape[1:] == (winner, winner, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "photos"]


@pytest.mark.parametrize("name", ["flowers12", "cifar10/test"])
def test_real_images_are_packed(real_data, tmp_path, name):
    done = build(tmp_path, real_data / name, "--out", "packed", "--size", "32")
    assert done.returncode == 0, done.stderr
    found = tomllib.loads((tmp_path / "packed" / "dataset.toml").read_text())
    by_class = {"flowers12": (12, 54, 6, 20), "cifar10/test": (10, 700, 100, 200)}[name]
    for split, count in zip(("train", "val", "test"), by_class[1:], strict=True):
        assert list(found["images_by_class"][split].values()) == [count] * by_class[0]
    if name == "cifar10/test":
        # The means of CIFAR-10's original test images.
        expected = {"R": 126.0, "G": 123.7, "B": 114.9}
        assert found["training_mean"] == pytest.approx(expected, abs=1)
