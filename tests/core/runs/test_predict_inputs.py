"""Whatever a user wants predicted: bytes, patterns, videos, the standard input, unsure answers."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import dlcv
from dlcv.cli.main import dlcv as dlcv_command
from dlcv.errors import DlcvError, ImageError
from dlcv.runs.inputs import expand_paths, open_parts
from dlcv_plugins.videos import frames as video


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict")
    rng = np.random.default_rng(0)
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 36, 3), np.uint8)).save(folder / name)
    write_video(folder / "walk.avi", 10)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return dlcv.run(
        architecture="mlp(units=4)", epochs=1, threads=1, fraction=0.2, name="small",
        runs=folder / "runs",
    )  # fmt: skip


def write_video(path, frames, size=(36, 36)):
    """Writes a video whose frames get brighter, 5 a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, size)
    for number in range(frames):
        writer.write(
            np.full((size[1], size[0], 3), (10 * number, 128, 255 - 10 * number), np.uint8)
        )
    writer.release()


def test_bytes_are_predicted_like_the_file_that_they_are_from(run, folder):
    path = folder / "a" / "1.png"
    expected = run.predict(path)[0].probabilities
    assert run.predict(path.read_bytes())[0].probabilities == expected
    assert run.predict([path.read_bytes()])[0].id == "image 0"
    mixed = run.predict([path.read_bytes(), path, np.zeros((36, 36, 1), np.uint8)])
    assert [p.id for p in mixed] == ["image 0", str(path), "image 0"]
    with pytest.raises(ImageError, match="image 1: "):
        run.predict([path.read_bytes(), path.read_bytes()[:50]])


@pytest.mark.parametrize(("channels", "tolerance"), [(3, 0), (1, 1)])
def test_pillow_images_and_open_files_are_read_like_their_files(folder, channels, tolerance):
    path = folder / "a" / "1.png"
    (expected,) = (part.read([0]) for part in open_parts(path, channels))

    with Image.open(path) as image, open(path, "rb") as file:
        (part,) = open_parts([image, file], channels)
        pillow, opened = part.read([0, 1])
        file.seek(0)
        (alone,) = (part.read([0]) for part in open_parts(file, channels))
    np.testing.assert_allclose(pillow.astype(int), expected[0], atol=tolerance)
    np.testing.assert_array_equal(opened, expected[0])
    np.testing.assert_array_equal(alone, expected)


def test_a_file_opened_as_text_is_refused(run, folder):
    with (
        open(folder / "a" / "1.png", encoding="latin-1") as text,
        pytest.raises(ImageError, match="opened as text; open it with mode rb"),
    ):
        run.predict(text)


def test_a_pillow_image_is_turned_upright(run):
    upright = np.zeros((12, 8, 3), np.uint8)
    upright[:3] = 200
    image = Image.fromarray(np.rot90(upright))
    image.getexif()[0x0112] = 6  # To be turned by a quarter, clockwise.

    (found,) = (part.read([0]) for part in open_parts(image, 3))
    np.testing.assert_array_equal(found[0], upright)


def test_a_pattern_stands_for_what_it_matches(folder):
    assert list(expand_paths([folder / "*" / "[13].png"])) == [
        str(folder / "a" / "1.png"),
        str(folder / "b" / "3.png"),
    ]
    assert len(list(expand_paths([str(folder / "**" / "*.png")]))) >= 3
    with pytest.raises(DlcvError, match=r"no file matches .*\*\.gif"):
        list(expand_paths([folder / "*.gif"]))


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "a[1].png").touch()
    assert list(expand_paths([tmp_path / "a[1].png"])) == [str(tmp_path / "a[1].png")]


def test_the_frames_of_a_video_come_in_order_with_their_time(folder, monkeypatch):
    monkeypatch.setattr(video, "BYTES_AT_ONCE", 4 * 36 * 36 * 3)
    parts = list(open_parts(folder / "walk.avi", 3))
    assert [len(part) for part in parts] == [4, 4, 2]
    images = [image for part in parts for image in part.read(range(len(part)))]
    for number, image in enumerate(images):
        # Red falls and blue rises; JPEG loses a little.
        np.testing.assert_allclose(
            image.reshape(-1, 3).mean(axis=0), (255 - 10 * number, 128, 10 * number), atol=4
        )
    assert parts[1].sample_id(2) == f"{folder / 'walk.avi'} at 1.20 s"
    assert next(open_parts(folder / "walk.avi", 1)).image_shape == (36, 36, 1)


def test_videos_and_images_may_be_mixed(run, folder):
    found = run.predict([folder / "b", folder / "walk.avi", folder / "a"])
    assert len(found) == 1 + 10 + 2
    assert run.predict_proba([folder / "walk.avi", folder / "b"]).shape == (11, 10)


@pytest.mark.parametrize(("kept", "message"), [(0.5, "is cut"), (0.02, "no frames")])
def test_a_cut_video_is_named(folder, tmp_path, kept, message):
    write_video(tmp_path / "long.avi", 40)
    content = (tmp_path / "long.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ImageError, match=rf"cut\.avi: .*{message}"):
        list(open_parts(tmp_path / "cut.avi", 3))


def test_what_a_cut_video_still_holds_is_predicted_on_request(run, folder, tmp_path, caplog, capfd):
    write_video(tmp_path / "cut.avi", 40)
    content = (tmp_path / "cut.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
    (tmp_path / "none.mp4").touch()
    given = [tmp_path / "none.mp4", tmp_path / "cut.avi", folder / "b"]
    found = run.predict(given, bad_images="skip")
    assert 1 < len(found) - 1 < 40
    assert "left out: " in caplog.text
    assert "none.mp4: holds no frames" in caplog.text


def test_videos_in_a_folder_are_not_passed_over_in_silence(folder, tmp_path, caplog):
    shutil.copy(folder / "b" / "3.png", tmp_path)
    shutil.copy(folder / "walk.avi", tmp_path)
    assert len(list(expand_paths([tmp_path]))) == 1
    assert "1 of its files are videos" in caplog.text


def test_what_is_not_sure_enough_is_unknown(run, folder):
    found = run.predict(folder / "a", threshold=0.0)
    sure = found[0].probability
    assert run.predict(folder / "a", threshold=sure)[0].label == found[0].label
    above = run.predict(folder / "a", threshold=min(1.0, sure + 1e-6))[0]
    assert (above.label, above.probabilities) == ("unknown", found[0].probabilities)
    with pytest.raises(DlcvError, match="threshold: expected a number from 0 to 1, received 2"):
        run.predict(folder / "a", threshold=2)


def test_what_is_no_number_is_unknown(run):
    odd = run._prediction("a", np.full(10, np.nan, np.float32), 0.1)
    assert odd.label == "unknown"


class TestCommand:
    def test_takes_an_image_from_the_standard_input(self, run, folder):
        image = (folder / "a" / "1.png").read_bytes()
        found = self.invoke(folder, "predict", run.path, "-", "--json", input=image)
        (row,) = json.loads(found.stdout)
        assert row["image"] == "standard input"
        assert row["label"] == row["classes"][0]["label"]

    @pytest.mark.parametrize(
        ("name", "given", "told"),
        [
            ("none.mp4", b"", "dlcv: none.mp4: holds no frames that can be read\n"),
            ("-", b"\x89PNG\r\n\x1a\n\0", "dlcv: standard input: is no image of a kn"),
        ],
    )
    def test_bad_input_of_a_process_is_one_line(self, run, folder, name, given, told):
        (folder / "none.mp4").touch()
        done = subprocess.run(
            [sys.executable, "-m", "dlcv", "predict", "runs/small", name],
            cwd=folder, input=given, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.decode().startswith(told)
        assert done.stderr.count(b"\n") == 1

    def test_takes_paths_from_the_standard_input(self, run, folder):
        found = self.invoke(
            folder, "predict", run.path, "-", "--csv", "--top", "2", input="a/1.png\nb\n"
        )
        rows = list(csv.DictReader(io.StringIO(found.stdout)))
        expected = run.predict([folder / "a" / "1.png", folder / "b"])
        assert [row["image"] for row in rows] == ["a/1.png", "b/3.png"]
        assert list(rows[0]) == [
            "image", "label", "class_1", "probability_1", "class_2", "probability_2",
        ]  # fmt: skip
        for row, one in zip(rows, expected, strict=True):
            assert row["label"] == row["class_1"] == one.label
            assert float(row["probability_2"]) == pytest.approx(one.top(2)[1][1], abs=1e-6)

    @pytest.mark.parametrize(
        "given",
        [
            b"a/1.png\0b/3.png\0",
            b"\xef\xbb\xbfa/1.png\r\nb/3.png\r\n",
            b"a/1.png\n\nb/3.png",
        ],
    )
    def test_takes_lists_as_programs_write_them(self, run, folder, given):
        found = self.invoke(folder, "predict", run.path, "-", "--json", input=given)
        assert [row["image"] for row in json.loads(found.stdout)] == ["a/1.png", "b/3.png"]

    def test_takes_lists_of_names_of_any_bytes(self, run, folder, tmp_path):
        names = [b"caf\xe9.png", b"two\nlines\x1b.png", b"vertical\x0btab\xc2\x85.png"]
        for name in names:
            shutil.copy(folder / "a" / "1.png", os.path.join(os.fsencode(tmp_path), name))
        zeros = b"".join(name + b"\0" for name in names)
        found = self.invoke(tmp_path, "predict", run.path, "-", "--json", input=zeros)
        assert [row["image"] for row in json.loads(found.stdout)] == [*map(os.fsdecode, names)]
        lines = b"\n".join(names[::2])
        found = self.invoke(tmp_path, "predict", run.path, "-", "--json", input=lines)
        expected = [os.fsdecode(name) for name in names[::2]]
        assert [row["image"] for row in json.loads(found.stdout)] == expected

    def test_unknown_stands_where_no_class_is_sure(self, run, folder):
        found = self.invoke(folder, "predict", run.path, "a", "--threshold", "1")
        assert found.stdout.count("unknown") == 2

    def test_several_runs_answer_together(self, run, folder):
        twin = shutil.copytree(run.path, run.path.with_name("twin"))
        alone = self.invoke(folder, "predict", run.path, "a", "--json")
        both = self.invoke(folder, "predict", run.path, twin, "a", "--json", "--method", "vote")
        first, second = json.loads(alone.stdout)[0], json.loads(both.stdout)[0]
        assert first["label"] == second["label"]
        # Two votes for one class leave next to nothing for the others.
        assert second["classes"][0]["probability"] > 0.99

    @pytest.mark.parametrize(
        ("arguments", "given", "told"),
        [
            (["runs/small"], None, "there are no images to predict"),
            (["a"], None, "a is no run: it holds no run.toml"),
            (["runs/small", "a", "runs/small"], None, "runs/small is no folder of images, but a r"),
            (["runs/small", "-"], "", "the standard input is empty"),
            (["runs/small", "-"], b"none.png\0a/1.png\0", "no such file or folder: none.png"),
            (["runs/small", "-", "a"], b"\x89PNG\r\n\x1a\n\0", "can't be mixed"),
            (["runs/small", "*.gif"], None, "no file matches *.gif"),
        ],
    )
    def test_bad_input_is_one_line(self, run, folder, arguments, given, told):
        found = self.invoke(folder, "predict", *arguments, input=given, ends_well=False)
        assert isinstance(found.exception, DlcvError)
        assert told in str(found.exception)

    def invoke(self, folder, *arguments, input=None, ends_well=True):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            found = CliRunner().invoke(dlcv_command, [*map(str, arguments)], input=input)
        assert (found.exit_code == 0) == ends_well, found.exception
        return found
