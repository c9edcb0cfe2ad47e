"""`dlcv data build --drop-duplicates` packs one of each image, and names what it drops."""

import tomllib

import defective
import forked
import numpy as np
import pytest
from PIL import Image

from dlcv.api import SplitConfig, find_store
from dlcv.errors import DlcvError
from dlcv_plugins.commands.data.pack.pack import pack

STEPS = "aspect_aware(size=16)"


def write(root, seeds, mirrored=()):
    for name, seed in seeds.items():
        image = defective.picture(seed)
        if name in mirrored:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


def packed(root, out, **split):
    return pack(str(root), out, preprocessors=STEPS, split=SplitConfig(**split),
                drop_duplicates=True, threads=2)  # fmt: skip


def test_test_images_stay_and_their_training_copies_go(tmp_path):
    root = tmp_path / "set"
    write(root / "train", {f"{'ab'[n % 2]}/{n:02}": n for n in range(30)})
    write(root / "train", {"a/copy": 0, "a/mirror": 101}, mirrored={"a/mirror"})
    write(root / "test", {"a/00": 0, "a/01": 101, "a/twin": 101, "b/00": 102})
    write(root / "val", {"a/00": 103, "b/00": 102})
    result = packed(root, tmp_path / "out")
    dropped = {d.image.removeprefix(f"{root}/"): d.copy_of.removeprefix(f"{root}/")
               for d in result.dropped}  # fmt: skip
    assert dropped == {
        "train/a/00.png": "test/a/00.png",
        "train/a/copy.png": "test/a/00.png",
        "train/a/mirror.png": "test/a/01.png",
        "val/b/00.png": "test/b/00.png",
    }
    assert {name: count for name, (count, _) in result.splits.items()} == {
        "train": 29, "val": 1, "test": 4,
    }  # fmt: skip
    listed = tomllib.loads((tmp_path / "out" / "dataset.toml").read_text())["dropped"]
    assert [each["image"] for each in listed] == [each.image for each in result.dropped]
    assert len(find_store(str(tmp_path / "out")).open("train")) == 29


def test_frames_that_are_like_their_neighbours_alone_are_not_all_dropped(tmp_path):
    start, end = (np.asarray(defective.picture(seed), float) for seed in (1, 2))
    for number, share in enumerate(np.linspace(0, 1, 40)):
        frame = Image.fromarray((start + (end - start) * share).astype(np.uint8))
        (tmp_path / "set" / "film").mkdir(parents=True, exist_ok=True)
        frame.save(tmp_path / "set" / "film" / f"{number:02}.png")
    write(tmp_path / "set", {f"other/{n}": n for n in range(10, 300)})
    result = packed(tmp_path / "set", tmp_path / "out", groups="none")
    dropped = {each.image.rpartition("/")[2] for each in result.dropped}
    assert 20 < len(dropped) < 38


def test_a_class_of_copies_of_test_images_is_an_error(tmp_path):
    root = tmp_path / "set"
    write(root / "train", {"a/0": 0, "b/0": 1, "b/1": 2})
    write(root / "test", {"a/0": 0, "b/0": 3})
    write(root / "val", {"a/0": 4, "b/0": 5})
    with pytest.raises(DlcvError, match="no image of a is left to train with"):
        packed(root, tmp_path / "out")


def test_the_command_names_and_counts_them_and_warns_of_other_classes(tmp_path):
    write(tmp_path / "set", {f"{'ab'[n % 2]}/{n:02}": n for n in range(40)})
    write(tmp_path / "set", {"a/copy": 0, "b/other": 0})
    done = forked.dlcv("data", "build", "set", "--out", "out", "--size", "16", "--test", "0",
                       "--drop-duplicates", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "dropped  2 copies: " in done.stdout
    assert "set/a/copy.png (of " in done.stdout
    assert "1 dropped image is of another class than the image that stays" in done.stderr
    assert "listed   out/dataset.toml" in done.stdout
    (tmp_path / "set" / "a" / "copy.png").unlink()
    (tmp_path / "set" / "b" / "other.png").unlink()
    done = forked.dlcv("data", "build", "set", "--out", "again", "--size", "16", "--test", "0",
                       "--drop-duplicates", folder=tmp_path)  # fmt: skip
    assert "dropped  no copies" in done.stdout


def test_names_that_are_not_utf8_are_written_as_far_as_they_can_be(tmp_path):
    root = tmp_path / "set"
    write(root, {f"{'ab'[n % 2]}/{n:02}": n for n in range(30)})
    write(root, {"a/copy": 0})
    (root / "a" / "copy.png").rename(root / "a" / "caf\udce9.png")
    packed(root, tmp_path / "out")
    content = tomllib.loads((tmp_path / "out" / "dataset.toml").read_text())
    names = [name for dropped in content["dropped"] for name in dropped.values()]
    assert any(name.endswith("caf\N{REPLACEMENT CHARACTER}.png") for name in names), names
