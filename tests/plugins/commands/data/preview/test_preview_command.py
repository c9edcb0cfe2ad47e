"""`dlcv data preview` through real processes: its picture, its words, and its refusals."""

import shlex

import cv2
import numpy as np
import pytest
from conftest import write_image
from forked import dlcv

from dlcv_plugins.pictures import draw_grid, wrapped


def preview(folder, *arguments):
    return dlcv("data", "preview", *arguments, folder=folder)


def test_no_picture_becomes_part_of_the_data(photos, tmp_path):
    root = photos()
    done = preview(root, ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert "preview.png would become part of the data; name a place with --out" in done.stderr
    assert not (root / "preview.png").exists()
    assert preview(root, ".", "--out", str(tmp_path / "p.png")).returncode == 0


def test_it_draws_and_names_the_next_command(photos, tmp_path):
    photos(name="my photos")
    done = preview(
        tmp_path, "my photos", "--preproc", "aspect_aware, patch, mean", "--input-size", "(24, 20)"
    )
    assert done.returncode == 0, done.stderr
    picture, following = done.stdout.splitlines()
    assert picture == (
        "picture   preview.png: 4 images of 24 x 20 pixels, without randomness and in 5 draws"
    )
    assert shlex.split(following) == [
        "train", "dlcv", "run", "--data", "my photos", "--preproc", "aspect_aware, patch, mean",
        "--input-size", "(24,20)",
    ]  # fmt: skip
    assert "not shown, since they change values, not pixels: mean" in done.stderr
    height, width, _ = cv2.imread(str(tmp_path / "preview.png")).shape
    assert width > 1000
    assert height > 600


@pytest.mark.parametrize(("draws", "step"), [("3", "simple"), ("1", "flip(horizontal=False)")])
def test_draws_that_are_all_alike_are_no_columns(photos, tmp_path, draws, step):
    photos()
    done = preview(
        tmp_path, "photos", "--preproc", step, "--input-size", "9", "--images", "2",
        "--draws", draws,
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == (
        "picture   preview.png: 2 images of 9 x 9 pixels, the same in every draw"
    )


def test_the_same_seed_gives_the_same_picture(photos, tmp_path):
    photos()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        arguments = ("--preproc", "patch(size=16)", "--out", f"new/{name}.png", "--seed", seed)
        done = preview(tmp_path, "photos", *arguments, "--quiet")
        assert (done.returncode, done.stdout) == (0, f"new/{name}.png\n")
    a, b, c = ((tmp_path / "new" / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_single_images_are_written_and_not_replaced(tmp_path):
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (4, 4, 3), np.uint8), (48, 40))
    write_image(tmp_path / "cat $1_$2.png", image)
    arguments = ("cat $1_$2.png", "--preproc", "patch(size=24)", "--save-to", "demo")
    done = preview(tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    assert "images    demo/image_001.jpg to image_010.jpg" in done.stdout
    assert "train     dlcv run --data FOLDER_OF_CLASS_FOLDERS --preproc" in done.stdout
    written = sorted((tmp_path / "demo").iterdir())
    assert [path.name for path in written] == [f"image_{n:03d}.jpg" for n in range(1, 11)]
    regions = np.lib.stride_tricks.sliding_window_view(image, (24, 24), (0, 1))
    for path in written:
        saved = cv2.imread(str(path))[..., ::-1].transpose(2, 0, 1).astype(int)
        assert np.abs(regions - saved).mean(axis=(2, 3, 4)).min() < 4

    again = preview(tmp_path, *arguments, "--out", "b.png")
    assert (again.returncode, (tmp_path / "b.png").exists()) == (2, False)
    assert "demo/image_001.jpg exists already" in again.stderr
    more = preview(
        tmp_path, *arguments, "--out", "b.png", "--prefix", "cat", "--draws", "2", "--force"
    )
    assert "images    demo/cat_001.jpg to cat_002.jpg" in more.stdout
    assert len([*(tmp_path / "demo").iterdir()]) == 12


def test_crops_lead_to_evaluate(photos, tmp_path):
    photos(size=(30, 30))
    done = preview(tmp_path, "photos", "--preproc", "crop", "--input-size", "16", "--images", "2")
    assert done.stdout.splitlines() == [
        "picture   preview.png: 2 images of 16 x 16 pixels, in 10 views",
        "evaluate  dlcv evaluate RUN --preproc crop",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo"], "no such file or folder: photo"),
        (["photos", "--out", "kept.png"], "kept.png exists already; "),
        (["photos", "--out", "picture.doc"], "picture.doc: pictures are written as .png"),
        (["photos", "--prefix", "cat"], "--prefix names the files that --save-to writes; use both"),
        (["photos", "--save-to", "demo", "--prefix", "a/b"], '--prefix: "a/b" can\'t be part of a'),
        (["photos", "--save-to", "kept.png"], "kept.png is not a folder"),
        (["photos", "--preproc", "patsch"], 'did you mean "patch"'),
        (["photos", "--preproc", "patch(size=100)"], "put aspect_aware before patch"),
        (["photos", "--split", "all"], 'photos has no split "all"; it has train, val, test'),
        (["photos", "--draws", "0"], "0 is not in the range 1<=x<=20"),
    ],
)
def test_mistakes_are_one_line(photos, tmp_path, arguments, message):
    photos(size=(30, 30))
    (tmp_path / "kept.png").write_bytes(b"mine")
    done = preview(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.png", "photos"]
    assert (tmp_path / "kept.png").read_bytes() == b"mine"


def test_a_single_row_or_column_is_wrapped():
    assert wrapped(["abcdefgh"]) == [list("abcdef"), list("gh")]
    assert wrapped(["a", "b"]) == [["a", "b"]]
    assert wrapped(["abc", "def"]) == [list("abc"), list("def")]


def test_names_are_drawn_as_they_are(tmp_path):
    image = np.zeros((8, 8, 3), np.uint8)
    draw_grid(tmp_path / "a.png", [[image]], titles=[[r"a$\frac$b"]], heading=r"$\none$")
    assert (tmp_path / "a.png").stat().st_size > 0
